import { CutoverError } from '../base/errors.ts';
import { history } from '../deployer/history.ts';
import { pathsOf, targetNamed } from '../deployer/place.ts';
import { historyText } from '../report/text.ts';
import type { Run } from './command.ts';
import { configFor } from './place.ts';

export const run: Run<{ limit?: unknown }> = async ([name], options, terminal) => {
  const limit = options.limit === undefined ? 20 : Number(options.limit);
  if (!Number.isInteger(limit) || limit < 1)
    throw new CutoverError('usage', '--limit takes a whole number from 1', { mend: '--limit 20' });
  const config = await configFor(options, terminal, name);
  const runs = await history(pathsOf(config, targetNamed(config, name)), limit);
  if (options.json) terminal.print(JSON.stringify({ runs }));
  else terminal.tell(`${historyText(runs)}\n`);
  return 0;
};
