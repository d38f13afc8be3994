import { constants, fchownSync, statSync } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { dirname, relative, sep } from 'node:path';

const noLink = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/** Whose a file is. */
export interface Owner {
  uid: number;
  gid: number;
}

/**
 * What root writes in another user's directory is that user's, who could not go on with it otherwise.
 * @param descriptor of the open file, so that no link can be put in its place
 */
export function giveToOwnerOf(directory: string, descriptor: number): void {
  if (process.geteuid?.() !== 0) return;
  const { uid, gid } = statSync(directory);
  if (uid !== 0) fchownSync(descriptor, uid, gid);
}

/**
 * The same for directories that were made just now, `path` and those above it up to `first`. Each is opened below the one
 * above it, which nobody can put a link in place of.
 */
export async function giveMade(first: string, path: string): Promise<void> {
  if (process.geteuid?.() !== 0) return;
  const { uid, gid } = await stat(dirname(first));
  if (uid === 0) return;
  const names = relative(first, path).split(sep).filter(Boolean);
  let directory = await open(first, noLink);
  try {
    await directory.chown(uid, gid);
    for (const name of names) {
      const below = await open(`/proc/self/fd/${directory.fd}/${name}`, noLink);
      await directory.close();
      directory = below;
      await directory.chown(uid, gid);
    }
  } finally {
    await directory.close();
  }
}

/** Gives an open file to somebody; nobody but root may. */
export function giveTo({ uid, gid }: Owner, descriptor: number): void {
  if (process.geteuid?.() === 0) fchownSync(descriptor, uid, gid);
}

/** Whether this is root, and what stands in the directory may be another user's words, which root does not act on. */
export async function isOthersWord(directory: string): Promise<boolean> {
  return process.geteuid?.() === 0 && (await stat(directory)).uid !== 0;
}
