import type { Run } from './command.ts';
import { configNamed } from './place.ts';

interface ConfigFlags {
  check?: boolean;
  docs?: boolean;
  schema?: boolean;
}

export const run: Run<ConfigFlags> = async (_, options, terminal) => {
  if (options.docs) {
    const { configDocs } = await import('../config/docs.ts');
    terminal.print(options.json ? JSON.stringify({ docs: configDocs() }) : configDocs());
    return 0;
  }
  if (options.schema) {
    const { configJsonSchema } = await import('../config/schema-json.ts');
    terminal.print(JSON.stringify(configJsonSchema(), null, 2));
    return 0;
  }
  const config = await configNamed(options, terminal);
  if (options.check) {
    const names = Object.keys(config.targets);
    if (options.json) terminal.print(JSON.stringify({ file: config.file, valid: true, targets: names }));
    else
      terminal.tell(
        `${config.file}: right, with ${names.length === 1 ? 'the target' : 'the targets'} ${names.join(', ')}\n`,
      );
    return 0;
  }
  const { effectiveConfig, effectiveJson } = await import('../config/print.ts');
  terminal.print(options.json ? JSON.stringify(effectiveJson(config)) : effectiveConfig(config));
  return 0;
};
