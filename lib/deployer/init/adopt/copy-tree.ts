import { readdir, symlink } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { CutoverError } from '../../../base/errors.ts';
import { letGoAfter, makeBelow, pinBelow, pinDirectory, type PinnedDirectory } from '../../../base/pinned-directory.ts';
import { runOn } from './on-directories.ts';

/** One process for so many names; more would not fit a command line everywhere. */
const atOnce = 200;

interface How {
  shared: readonly string[];
  signal: AbortSignal;
}

/** Opens a directory that is to be there. @throws `refused` where it is not, or a link; `permission` */
export async function pinSource(path: string): Promise<PinnedDirectory> {
  const source = await pinDirectory(path);
  if (source) return source;
  throw gone(path);
}

/**
 * Fills a directory that nobody else may enter with what another one holds. What is shared is left out, and has a link in its
 * place.
 * @throws `permission`, `disk`, `failed`, `refused`; the signal's reason when aborted
 */
export async function copyTree(from: PinnedDirectory, to: PinnedDirectory, how: How): Promise<void> {
  await fill(from, to, how);
  for (const path of how.shared) await symlink(path, join(to.path, relative(from.name, path)));
}

/** Gives a directory the owner and the mode of another one. */
export async function giveLike(model: PinnedDirectory, { file }: PinnedDirectory): Promise<void> {
  const { uid, gid, mode } = await model.file.stat();
  if (process.geteuid?.() === 0) await file.chown(uid, gid);
  await file.chmod(mode & 0o7777);
}

async function fill(from: PinnedDirectory, to: PinnedDirectory, how: How): Promise<void> {
  const { shared, signal } = how;
  const names = (await readdir(from.path)).filter((name) => !shared.includes(join(from.name, name)));
  const isParted = (name: string): boolean => shared.some((path) => path.startsWith(`${join(from.name, name)}/`));
  const whole = names.filter((name) => !isParted(name));
  for (let at = 0; at < whole.length; at += atOnce) {
    const some = whole.slice(at, at + atOnce);
    const copying = ['cp', '--archive', '--reflink=auto', '--target-directory'] as const;
    await runOn({
      doing: 'the copy',
      directories: [from, to],
      command: (source = '', target = '') => [...copying, target, '--', ...some.map((name) => join(source, name))],
      signal,
    });
  }
  for (const name of names.filter(isParted)) await fillBelow(from, to, { ...how, name });
}

async function fillBelow(
  from: PinnedDirectory,
  to: PinnedDirectory,
  { name, ...how }: How & { name: string },
): Promise<void> {
  const source = await pinBelow(from, name);
  if (source === null) throw gone(join(from.name, name));
  await letGoAfter(source, async () => {
    const made = await makeBelow(to, name);
    await letGoAfter(made, async () => {
      await fill(source, made, how);
      await giveLike(source, made);
    });
  });
}

function gone(path: string): CutoverError {
  return new CutoverError('refused', `${path} is not there any more`, { mend: `ls -ld ${path}` });
}
