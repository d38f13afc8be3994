import { CutoverError } from '../base/errors.ts';
import { report } from '../deployer/history.ts';
import { pathsOf, targetNamed } from '../deployer/place.ts';
import { reportText } from '../report/text.ts';
import type { GlobalOptions, Run, Terminal } from './command.ts';
import { configFor } from './place.ts';
import { targetFirst } from './target-first.ts';
import { durationOption } from './waiting.ts';

interface ReportFlags {
  slo?: boolean;
  since?: string | number;
}

export const run: Run<ReportFlags> = async (words, options, terminal) => {
  const [name, id] = targetFirst(words);
  if (options.slo) return tellFigures([name, id], options, terminal);
  if (options.since !== undefined)
    throw new CutoverError('usage', '--since is for the figures', { mend: 'cutover report --slo --since=30d' });
  const config = await configFor(options, terminal, name);
  const document = await report(pathsOf(config, targetNamed(config, name)), id);
  if (options.json) terminal.print(JSON.stringify(document));
  else terminal.tell(`${reportText(document, terminal.colours)}\n`);
  return 0;
};

async function tellFigures(
  [name, id]: (string | undefined)[],
  options: GlobalOptions & ReportFlags,
  terminal: Terminal,
): Promise<number> {
  if (id !== undefined)
    throw new CutoverError('usage', `the figures are of a target, not of run ${id}`, { mend: 'cutover report --slo' });
  const sinceMs = options.since === undefined ? null : durationOption('--since', options.since, '30d');
  const { slo } = await import('../deployer/slo.ts');
  const { sloText } = await import('../report/slo-text.ts');
  const config = await configFor(options, terminal, name);
  const target = targetNamed(config, name);
  const subject = { app: config.app, target: target.name, paths: pathsOf(config, target) };
  const figures = await slo(subject, { sinceMs });
  if (options.json) terminal.print(JSON.stringify(figures));
  else terminal.tell(`${sloText(figures, terminal.colours)}\n`);
  return 0;
}
