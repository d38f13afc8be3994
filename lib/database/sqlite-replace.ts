import { createReadStream } from 'node:fs';
import { type FileHandle, lstat, open, readdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { CutoverError, errnoOf, fileError } from '../base/errors.ts';
import { addName, isThere, move, removeIfThere, syncDirectory } from '../base/files.ts';
import { giveTo, type Owner } from '../base/owner.ts';
import { inside, letGoAfter, pinDirectory, type PinnedDirectory } from '../base/pinned-directory.ts';
import type { DatabaseTask, FileOwner, PutBack } from './kind.ts';
import { giveLike } from './same-rights.ts';

/** What a new file is called until it is whole. */
const unfinished = '.restoring';

/** What is kept gets that behind its name, and the time. */
const broken = '.broken-';

/** Under its own name, a log of the old file would be played into the new one. */
const logs = ['-wal', '-journal'];

/**
 * Takes back what a restore left that died before its new file was in its place: the logs of what is there belong to it.
 * @param path without a link in it
 * @throws `permission`; `refused` where a link came in the way
 */
export async function endUnfinished(path: string): Promise<void> {
  // It is there from the first change to the last.
  if (!(await isThere(`${path}${unfinished}`))) return;
  const directory = await pinDirectory(dirname(path));
  if (directory === null) return;
  await letGoAfter(directory, () =>
    inside(directory, async (below) => {
      const name = join(below, basename(path));
      const known = await inodeOf(name);
      const others = (await readdir(below)).filter((other) => other.startsWith(`${basename(path)}${broken}`));
      for (const aside of others.map((other) => join(below, other))) {
        if (known !== null && (await inodeOf(aside)) === known) await bringBack(name, aside);
      }
      await removeIfThere(`${name}${unfinished}`);
    }),
  );
}

async function inodeOf(path: string): Promise<number | null> {
  return lstat(path).then(
    ({ ino }) => ino,
    () => null,
  );
}

/** Gives a file its logs again, and takes its second name from it. */
async function bringBack(name: string, aside: string): Promise<void> {
  for (const end of logs) {
    if (await isThere(`${aside}${end}`)) await move(`${aside}${end}`, `${name}${end}`);
  }
  await removeIfThere(aside);
}

/**
 * Puts a new file in the place of a SQLite file that is damaged, which is kept under another name, or missing. The new one is
 * whole and on the disk before anything else is touched, so that a failure or a death leaves what was there where it was.
 * @param opened a file that was seen to be good
 * @param path without a link in it
 * @throws `refused` when there is no such directory, or no file of that name; `disk`, `permission`; the signal's reason
 */
export async function replaceSqlite(opened: string, path: string, task: DatabaseTask): Promise<PutBack> {
  const directory = await pinDirectory(dirname(path));
  if (directory === null) {
    throw new CutoverError('refused', `${dirname(path)} does not exist`, { mend: `ls -ld ${dirname(dirname(path))}` });
  }
  return letGoAfter(directory, () => replaceIn(directory, { opened, path, task }));
}

async function replaceIn(
  directory: PinnedDirectory,
  { opened, path, task }: { opened: string; path: string; task: DatabaseTask },
): Promise<PutBack> {
  // To the millisecond: one that was killed may have left such a name in this very second.
  const stamp = new Date().toISOString().replaceAll(/[-:.Z]/g, '');
  const aside = `${path}${broken}${stamp}`;
  return inside(directory, async (below) => {
    const name = join(below, basename(path));
    const fresh = `${name}${unfinished}`;
    const known = await fileAt(name);
    const owner = known ?? (await ownerFor(directory, task));
    const give = async (file: FileHandle): Promise<void> =>
      known ? giveLike(known, file, name) : giveTo(owner, file.fd);
    try {
      await copyInto(fresh, { opened, give, mode: known ? known.mode & 0o7777 : 0o600, signal: task.signal });
      await takePlace(fresh, { name, aside: join(below, basename(aside)), isKept: known !== null });
    } catch (error) {
      // What went wrong first is what the person has to mend.
      await removeIfThere(fresh).catch(() => {});
      throw error;
    }
    await syncDirectory(below);
    task.onNote?.(known ? `${path} is damaged, and kept as ${aside}` : madeWords(path, owner));
    return { setAside: known ? aside : null };
  });
}

/** What is there of that name; null: nothing. @throws `refused` when it is no file */
async function fileAt(path: string): Promise<(Owner & { mode: number }) | null> {
  const found = await lstat(path).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return null;
    throw fileError(error, 'cannot open', path);
  });
  if (found === null || found.isFile()) return found;
  throw new CutoverError('refused', `${path} is not a file`, { mend: `ls -ld ${path}` });
}

/** A file that is missing is made for who will open it: a service cannot read what is root's. */
async function ownerFor({ file, name }: PinnedDirectory, { madeFor }: DatabaseTask): Promise<FileOwner> {
  const { uid, gid } = await file.stat();
  return madeFor ?? { uid, gid, name: `the owner of ${name}` };
}

function madeWords(path: string, owner: Owner & { name?: string }): string {
  // Nobody else may give a file away.
  const name = process.getuid?.() === 0 ? owner.name : 'the user who restores it';
  return `${path} was not there: it is made with mode 600 for ${name}`;
}

type Give = (file: FileHandle) => Promise<void>;

/** It is given to its owner when it is whole, and all of it is on the disk then. */
async function copyInto(
  fresh: string,
  { opened, give, mode, signal }: Pick<DatabaseTask, 'signal'> & { opened: string; mode: number; give: Give },
): Promise<void> {
  try {
    const file = await open(fresh, 'wx', 0o600);
    try {
      await writeFile(file, createReadStream(opened), { signal });
      await give(file);
      await file.chmod(mode);
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (error) {
    // What is aborted tells only that it was, and not why.
    signal?.throwIfAborted();
    throw fileError(error, 'cannot write', fresh);
  }
}

/**
 * There is a file of that name at every instant: the old one gets a second name, and the new one replaces it. Only its logs
 * go a moment before; when that was in vain they come back.
 */
async function takePlace(
  fresh: string,
  { name, aside, isKept }: { name: string; aside: string; isKept: boolean },
): Promise<void> {
  try {
    if (isKept) await addName(name, aside);
    for (const end of logs) {
      if (await isThere(`${name}${end}`)) await move(`${name}${end}`, `${aside}${end}`);
    }
    await removeIfThere(`${name}-shm`);
    await move(fresh, name);
  } catch (error) {
    await bringBack(name, aside).catch(() => {});
    throw error;
  }
}
