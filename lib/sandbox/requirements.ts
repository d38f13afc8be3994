import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { CutoverError } from '../base/errors.ts';

/** What a sandbox starts, with the Debian package that brings it. */
const programs: readonly [file: string, debianPackage: string][] = [
  ['/lib/systemd/systemd', 'systemd'],
  ['unshare', 'util-linux'],
  ['nsenter', 'util-linux'],
  ['setpriv', 'util-linux'],
  ['mount', 'mount'],
  ['bash', 'bash'],
  ['dbus-daemon', 'dbus'],
];

/**
 * Tells what this machine lacks for a sandbox.
 * @returns the error to show, with the command that mends it, or null when nothing is missing
 */
export async function missingForSandbox(): Promise<CutoverError | null> {
  const missing = new Map<string, string>();
  for (const [file, debianPackage] of programs) {
    if (!(await isInstalled(file))) missing.set(file, debianPackage);
  }
  if (missing.size > 0) {
    const install = `apt-get install ${[...new Set(missing.values())].join(' ')}`;
    const mend = process.getuid?.() === 0 ? install : `sudo ${install}`;
    return new CutoverError('sandbox', `a sandbox needs ${[...missing.keys()].join(', ')}`, { mend });
  }
  if (process.getuid?.() !== 0) {
    return new CutoverError('sandbox', 'a sandbox needs root for its namespaces', {
      mend: 'run the same command with sudo',
    });
  }
  return null;
}

async function isInstalled(file: string): Promise<boolean> {
  const folders = file.startsWith('/')
    ? ['']
    : (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  for (const folder of folders) {
    if (
      await access(join(folder, file), constants.X_OK).then(
        () => true,
        () => false,
      )
    )
      return true;
  }
  return false;
}
