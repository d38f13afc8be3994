import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { isThere } from '../../../base/files.ts';
import type { ManagerKind } from '../../../config/model.ts';
import type { Surroundings } from '../places.ts';
import type { InstallFile } from './unit-files.ts';

export type Shell = 'bash' | 'zsh' | 'fish';

/** Texts that are made from the command table and the table of keys. */
export interface Manual {
  completions: Record<Shell, string>;
  /** by name, such as `cutover.1` */
  pages: Record<string, string>;
}

const programPlaces = ['/usr/local/bin', '/usr/bin', '/bin'];

/** The completions for the shells of this machine, and the manual pages. */
export async function manualFiles(
  { completions, pages }: Manual,
  manager: ManagerKind,
  surroundings: Surroundings,
): Promise<InstallFile[]> {
  const places = placesFor(manager, surroundings);
  const shells = (['bash', 'zsh', 'fish'] as const).filter((shell) => completions[shell] !== '');
  const found = await Promise.all(shells.map(async (shell) => ((await isInstalled(shell)) ? [shell] : [])));
  return [
    ...found.flat().map((shell) => fileAt(places[shell], completions[shell])),
    ...Object.entries(pages).map(([name, text]) => fileAt(join(places.manual, `man${name.at(-1)}`, name), text)),
  ];
}

function fileAt(path: string, text: string): InstallFile {
  return { path, text, mode: 0o644, known: [], isNeeded: false };
}

/**
 * For all users what bash reads at its start, since one file has to do for all names of cutover; for one user there is no
 * such place.
 */
function placesFor(manager: ManagerKind, { env }: Surroundings): Record<Shell | 'manual', string> {
  const shared = manager === 'system' ? '/usr/local/share' : homeOf(env, 'XDG_DATA_HOME', '.local/share');
  return {
    bash: manager === 'system' ? '/etc/bash_completion.d/cutover' : join(shared, 'bash-completion/completions/cutover'),
    zsh: join(shared, 'zsh/site-functions/_cutover'),
    fish: join(
      manager === 'system' ? '/etc' : homeOf(env, 'XDG_CONFIG_HOME', '.config'),
      'fish/completions/cutover.fish',
    ),
    manual: join(shared, 'man'),
  };
}

function homeOf(env: NodeJS.ProcessEnv, variable: string, below: string): string {
  const given = env[variable];
  return given && isAbsolute(given) ? given : join(env.HOME || homedir(), below);
}

async function isInstalled(shell: Shell): Promise<boolean> {
  const found = await Promise.all(programPlaces.map((place) => isThere(join(place, shell))));
  return found.includes(true);
}
