import { lstat, readlink } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/**
 * Whether nobody but root can have had a say in what a path leads to: it, every directory above it and every link on the way
 * are root's, and nobody else may write there. Of a directory with the sticky bit others may not take root's names.
 * @param path absolute, and there
 */
export async function isRootsAlone(path: string): Promise<boolean> {
  const above = dirname(path);
  if (above !== path && !(await isRootsAlone(above))) return false;
  const facts = await lstat(path);
  if (facts.uid !== 0) return false;
  if (facts.isSymbolicLink()) return isRootsAlone(resolve(above, await readlink(path)));
  const isOpen = (facts.mode & 0o002) !== 0 || ((facts.mode & 0o020) !== 0 && facts.gid !== 0);
  return !isOpen || (facts.isDirectory() && (facts.mode & 0o1000) !== 0);
}
