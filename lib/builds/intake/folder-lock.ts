import { constants } from 'node:fs';
import { type FileHandle, lstat, open } from 'node:fs/promises';
import { errnoOf, fileError } from '../../base/errors.ts';
import { lockDescriptor } from '../../base/flock.ts';

/**
 * Locks a folder below `.incoming`: what is locked, nobody clears away.
 * @returns null when another command has the folder, or has removed it
 * @throws `permission`; the signal's reason when aborted
 */
export async function lockFolder(path: string, signal: AbortSignal): Promise<FileHandle | null> {
  const file = await open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW).catch(
    (error: unknown) => {
      if (errnoOf(error) === 'ENOENT') return null;
      throw fileError(error, 'cannot open', path);
    },
  );
  if (!file) return null;
  try {
    const isTaken = await lockDescriptor(file.fd, { waitMs: 0, signal });
    // Whoever clears away has the lock while it does, so what is at its place now stays there.
    if (isTaken && (await isSame(file, path))) return file;
  } catch (error) {
    await file.close();
    throw error;
  }
  await file.close();
  return null;
}

/** Whether what is open is what has that path still. */
export async function isSame(file: FileHandle, path: string): Promise<boolean> {
  const [own, there] = await Promise.all([file.stat(), lstat(path).catch(() => null)]);
  return there?.ino === own.ino && there.dev === own.dev;
}
