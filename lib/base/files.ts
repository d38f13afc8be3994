import { closeSync, fchmodSync, fsync, mkdirSync, openSync, writeFileSync } from 'node:fs';
import { link, lstat, rename, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { CutoverError, errnoOf, fileError } from './errors.ts';
import { giveMade, giveTo, giveToOwnerOf, type Owner } from './owner.ts';
import { readRegularFile, readRegularFileNow, UnfitFile } from './regular-file.ts';
import { temporaryBeside } from './temporary-name.ts';

// What the kernel does in its memory is done at once: a turn in the thread pool takes ten times as long, some hundred times in a
// run. What waits for a disk takes one.
const toDisk = promisify(fsync);

/** Files below the state directory hold command lines and journal lines: for the owner alone. */
export const privateFile = 0o600;
const privateDirectory = 0o700;

/** Makes a directory and its parents, mode 0700 where it makes them. */
export async function makePrivateDirectory(path: string): Promise<void> {
  try {
    const first = mkdirSync(path, { recursive: true, mode: privateDirectory });
    if (first !== undefined) await giveMade(first, path);
  } catch (error) {
    if (errnoOf(error) === 'EEXIST' || errnoOf(error) === 'ENOTDIR')
      throw new CutoverError('refused', `cannot create ${path}: a file is in the way`, { mend: `ls -ld ${path}` });
    throw fileError(error, 'cannot create', path);
  }
}

/** Makes the names in a directory survive a power cut (fsync(2): the entry needs an fsync of its own). */
export async function syncDirectory(path: string): Promise<void> {
  const directory = openSync(path, 'r');
  try {
    await toDisk(directory);
  } finally {
    closeSync(directory);
  }
}

/** A text that is on the disk whole, and not yet under its name. */
export interface StagedFile {
  /** Gives it its name. @throws `permission`, `disk` */
  commit(): Promise<void>;
  discard(): Promise<void>;
}

/**
 * Replaces a file so that at every instant, a power cut included, it is whole: old or new.
 * @param owner whom root gives it to; none: who owns the directory gets a private file
 * @throws `permission`, `disk`
 */
export async function writeDurably(path: string, text: string, mode = privateFile, owner?: Owner): Promise<void> {
  const staged = await stageDurably(path, text, mode, owner);
  await staged.commit();
}

/** The same in two steps, for several files of which all are to be written or none. @throws `permission`, `disk` */
export async function stageDurably(path: string, text: string, mode = privateFile, owner?: Owner): Promise<StagedFile> {
  const temporary = temporaryBeside(path);
  const discard = (): Promise<void> => removeIfThere(temporary);
  const orFail = async (work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      // What went wrong first is what the person has to mend.
      await discard().catch(() => {});
      throw fileError(error, 'cannot write', path);
    }
  };
  await orFail(() => writeTemporary(temporary, text, { mode, owner }));
  const commit = (): Promise<void> =>
    orFail(async () => {
      await rename(temporary, path);
      await syncDirectory(dirname(path));
    });
  return { commit, discard };
}

async function writeTemporary(
  temporary: string,
  text: string,
  { mode, owner }: { mode: number; owner: Owner | undefined },
): Promise<void> {
  const file = openSync(temporary, 'wx', mode);
  try {
    if (owner) giveTo(owner, file);
    // What others are to read must not depend on the umask of whoever writes it.
    if (mode !== privateFile) fchmodSync(file, mode);
    else if (!owner) giveToOwnerOf(dirname(temporary), file);
    writeFileSync(file, text);
    await toDisk(file);
  } finally {
    closeSync(file);
  }
}

/**
 * Moves a file or directory within its file system. Only `syncDirectory` of both parents makes that survive a power cut.
 * @throws `permission`, `disk`; the errno of anything else that stands in the way
 */
export async function move(from: string, to: string): Promise<void> {
  await rename(from, to).catch((error: unknown) => {
    throw fileError(error, 'cannot move', from);
  });
}

/** Gives a file a second name beside its own. @throws as `move` does, which says what makes it last */
export async function addName(path: string, name: string): Promise<void> {
  await link(path, name).catch((error: unknown) => {
    throw fileError(error, 'cannot create', name);
  });
}

/** The text of a file, or null where there is none. That of a pipe or a device is empty: it would not end. */
export async function readIfThere(path: string): Promise<string | null> {
  return readRegularFile(path).catch((error: unknown) => emptyOrAbsent(error, path));
}

/** The same for who reads many small files: each takes a tenth of the time. */
export function readNowIfThere(path: string): string | null {
  try {
    return readRegularFileNow(path);
  } catch (error) {
    return emptyOrAbsent(error, path);
  }
}

function emptyOrAbsent(error: unknown, path: string): '' | null {
  if (error instanceof UnfitFile && errnoOf(error) !== 'EISDIR') return '';
  return absent(error, 'cannot read', path);
}

/** Removes a name durably; nothing happens when it is gone already. */
export async function removeIfThere(path: string): Promise<void> {
  try {
    await unlink(path);
    await syncDirectory(dirname(path));
  } catch (error) {
    absent(error, 'cannot remove', path);
  }
}

/** Null where there is no such file. @throws what `error` is otherwise, with what was being done */
export function absent(error: unknown, doing: string, path: string): null {
  const errno = errnoOf(error);
  if (errno === 'ENOENT' || errno === 'ENOTDIR') return null;
  throw readError(error, doing, path);
}

/** Says as well that a directory stands where a file should be. */
export function readError(error: unknown, doing: string, path: string): unknown {
  if (errnoOf(error) !== 'EISDIR') return fileError(error, doing, path);
  const mend = `mv ${path} ${path}.saved`;
  return new CutoverError('refused', `${doing} ${path}: it is a directory`, { mend, cause: error });
}

/** Whether there is anything of that name, a link that leads nowhere included. */
export async function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}
