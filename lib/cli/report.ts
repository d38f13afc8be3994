import { report } from '../deployer/history.ts';
import { pathsOf, targetNamed } from '../deployer/place.ts';
import { reportText } from '../report/text.ts';
import type { Run } from './command.ts';
import { configFor } from './place.ts';

export const run: Run = async ([name, id], options, terminal) => {
  const config = await configFor(options, terminal);
  const document = await report(pathsOf(config, targetNamed(config, name)), id);
  if (options.json) terminal.print(JSON.stringify(document));
  else terminal.tell(`${reportText(document, terminal.colours)}\n`);
  return 0;
};
