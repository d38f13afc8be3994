import { CutoverError } from '../base/errors.ts';
import type { Run } from './command.ts';
import { commands } from './commands.ts';
import { commandPage } from './manual/command-page.ts';
import { configPage } from './manual/config-page.ts';

/** Each page of the manual by its file's name. The texts are those of `--help` and `config --docs`. */
export const manualPages: Readonly<Record<string, () => string>> = {
  'cutover.1': () => commandPage(commands),
  'cutover.toml.5': configPage,
};

/** Prints a page as it is installed; man(1) shows it: `cutover manual 5 | man -l -`. */
export const run: Run = async ([section = '1'], options, terminal) => {
  const [name, page] = Object.entries(manualPages).find(([name]) => name.endsWith(`.${section}`)) ?? [];
  if (!page) throw new CutoverError('usage', `there is no section ${section}`, { mend: 'cutover manual 1' });
  terminal.print(options.json ? JSON.stringify({ page: name, text: page() }) : page().trimEnd());
  return 0;
};
