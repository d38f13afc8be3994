import { formatSize } from '../config/quantities.ts';
import { builds } from '../deployer/builds.ts';
import { pathsOf, targetNamed } from '../deployer/place.ts';
import { columns, originText } from '../report/text.ts';
import { duration } from '../report/words.ts';
import type { Run } from './command.ts';
import { configFor } from './place.ts';
import { interruptSignal } from './signals.ts';

export const run: Run = async ([name], options, terminal) => {
  const config = await configFor(options, terminal, name);
  const target = targetNamed(config, name);
  const rows = await builds({ target, paths: pathsOf(config, target), signal: interruptSignal() });
  if (options.json) terminal.print(JSON.stringify({ builds: rows }));
  else if (rows.length === 0) terminal.tell(`no builds in ${target.builds}\n`);
  else {
    const cells = rows.map(({ id, state, revision, branch, created_at, size_bytes }) => {
      const age = duration(Math.max(0, Date.now() - Date.parse(created_at)));
      return [
        id,
        state,
        originText({ revision, branch }) ?? '-',
        age,
        size_bytes === null ? '-' : formatSize(size_bytes),
      ];
    });
    terminal.tell(`${columns([['BUILD', 'STATE', 'REVISION', 'AGE', 'SIZE'], ...cells])}\n`);
  }
  return 0;
};
