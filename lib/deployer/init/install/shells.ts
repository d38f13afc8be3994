import { join } from 'node:path';
import { type Shell, shells } from '../../../base/shells.ts';
import { userDirectory } from '../../../base/xdg.ts';
import { isThere } from '../../../base/files.ts';
import type { ManagerKind } from '../../../config/model.ts';
import type { Surroundings } from '../places.ts';
import type { InstallFile } from './unit-files.ts';

/** Texts that are made from the command table and the table of keys. */
export interface Manual {
  completions: Record<Shell, string>;
  /** every executable that they are for */
  tools: readonly string[];
  /** by name, such as `cutover.1` */
  pages: Record<string, string>;
}

const programPlaces = ['/usr/local/bin', '/usr/bin', '/bin'];

/** The completions for the shells of this machine, and the manual pages. */
export async function manualFiles(
  { completions, tools, pages }: Manual,
  manager: ManagerKind,
  surroundings: Surroundings,
): Promise<InstallFile[]> {
  const { manual, ...places } = placesFor(manager, surroundings);
  const given = shells.filter((shell) => completions[shell] !== '');
  const found = await Promise.all(given.map(async (shell) => ((await isInstalled(shell)) ? [shell] : [])));
  return [
    ...found.flat().flatMap((shell) => places[shell](tools).map((path) => fileAt(path, completions[shell]))),
    ...Object.entries(pages).map(([name, text]) => fileAt(join(manual, `man${name.at(-1)}`, name), text)),
  ];
}

function fileAt(path: string, text: string): InstallFile {
  return { path, text, mode: 0o644, known: [], isNeeded: false };
}

/**
 * zsh finds all names in one file. So does bash in the place for all users, which it reads at its start; in the one for one
 * user it looks for a file by the name of the program, and fish does everywhere.
 */
function placesFor(
  manager: ManagerKind,
  { env }: Surroundings,
): Record<Shell, (tools: readonly string[]) => string[]> & { manual: string } {
  const isOwn = manager === 'user';
  const shared = isOwn ? userDirectory('XDG_DATA_HOME', env) : '/usr/local/share';
  const ownBash = join(shared, 'bash-completion/completions');
  const fish = join(isOwn ? userDirectory('XDG_CONFIG_HOME', env) : '/etc', 'fish/completions');
  return {
    bash: (tools) => (isOwn ? tools.map((tool) => join(ownBash, tool)) : ['/etc/bash_completion.d/cutover']),
    zsh: () => [join(shared, 'zsh/site-functions/_cutover')],
    fish: (tools) => tools.map((tool) => join(fish, `${tool}.fish`)),
    manual: join(shared, 'man'),
  };
}

async function isInstalled(shell: Shell): Promise<boolean> {
  const found = await Promise.all(programPlaces.map((place) => isThere(join(place, shell))));
  return found.includes(true);
}
