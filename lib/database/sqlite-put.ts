import { constants } from 'node:fs';
import { access, open, realpath, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { CutoverError, errnoOf, fileError, isCutoverError } from '../base/errors.ts';
import { isThere, move, removeIfThere, syncDirectory } from '../base/files.ts';
import { giveTo, type Owner } from '../base/owner.ts';
import { querySqlite, quoted, runSqlite } from '../stores/sqlite.ts';
import type { DatabaseTask, PutBack } from './kind.ts';

/** Sees that a SQLite file can be written, or made. @throws `permission`; `refused` when its directory is missing */
export async function reachSqlite({ database }: DatabaseTask): Promise<void> {
  const path = await pathOf(database.path);
  const isMade = !(await isThere(path));
  const place = isMade ? dirname(path) : path;
  await access(place, constants.W_OK).catch((error: unknown) => {
    if (errnoOf(error) !== 'ENOENT' && errnoOf(error) !== 'ENOTDIR') throw fileError(error, 'cannot write', place);
    throw new CutoverError('refused', `${place} does not exist`, { mend: `ls -ld ${dirname(place)}` });
  });
}

/**
 * Restores a SQLite file in place: one transaction of SQLite's own, so that a death in the middle leaves the database as it
 * was, and owner, mode and inode stay, for other processes that have it open too.
 * @param opened a file that was seen to be good
 * @throws `refused` when others keep it locked, or the query fails; `disk`, `permission`
 */
export async function putSqlite(opened: string, task: DatabaseTask): Promise<PutBack> {
  const path = await pathOf(task.database.path);
  let put: PutBack = { setAside: null };
  const replace = async (): Promise<void> => void (put = { setAside: await setAside(path, task) });
  if (task.isSetAside && (await isThere(path))) await replace();
  if (!(await isThere(path))) await makeFor(path, task);
  const restore = (): Promise<string> => runSqlite(path, [path, `.restore ${quoted(opened)}`], task);
  await restore().catch(async (error: unknown) => {
    if (!isBroken(error)) throw locked(error, path);
    await replace();
    await restore();
  });
  await querySqlite(path, task.database.verify ?? 'SELECT count(*) FROM sqlite_master', task).catch(
    (error: unknown) => {
      // It is restored, and whoever was kept out meanwhile has it now; the file answered the same question before.
      if (!isLocked(error)) throw error;
      task.onNote?.(`${path} is restored, and was not asked again: another process has it`);
    },
  );
  return put;
}

/** A link stays a link. */
async function pathOf(given: string | null): Promise<string> {
  return realpath(given ?? '').catch(() => given ?? '');
}

/** A file that is missing is made for who will open it: a service cannot read what is root's. */
async function makeFor(path: string, { madeFor, onNote }: DatabaseTask): Promise<void> {
  const { uid, gid } = await stat(dirname(path));
  const owner = madeFor ?? { uid, gid, name: `the owner of ${dirname(path)}` };
  await makeLike(path, owner, 0o600);
  // Nobody else may give a file away.
  const name = process.getuid?.() === 0 ? owner.name : 'the user who restores it';
  onNote?.(`${path} was not there: it is made with mode 600 for ${name}`);
}

/** What stands there is no database any more, so nothing can be restored into it. */
function isBroken(error: unknown): boolean {
  return isCutoverError(error, 'refused') && /not a database|malformed/.test(error.message);
}

function isLocked(error: unknown): boolean {
  return isCutoverError(error, 'refused') && /locked|busy/.test(error.message);
}

function locked(error: unknown, path: string): unknown {
  if (!isLocked(error)) return error;
  return new CutoverError('refused', `${path} is kept locked by another process`, {
    mend: `fuser -v ${path}`,
    cause: error,
  });
}

/** Keeps what was there under another name, and puts an empty file with its owner and mode in its place. @returns that name */
async function setAside(path: string, { onNote }: DatabaseTask): Promise<string> {
  const known = await stat(path);
  const stamp = new Date().toISOString().replaceAll(/[-:]|\.\d+Z/g, '');
  const aside = `${path}.broken-${stamp}`;
  // Under its own name, a log of the old file would be played into the new one.
  for (const end of ['-wal', '-journal', '']) {
    if (await isThere(`${path}${end}`)) await move(`${path}${end}`, `${aside}${end}`);
  }
  await removeIfThere(`${path}-shm`);
  await makeLike(path, known, known.mode & 0o7777);
  onNote?.(`${path} is damaged, and kept as ${aside}`);
  return aside;
}

async function makeLike(path: string, owner: Owner, mode: number): Promise<void> {
  try {
    // By its descriptor: in a service's directory its user can put a link in the place of a file at any moment.
    const file = await open(path, 'wx', 0o600);
    try {
      giveTo(owner, file.fd);
      await file.chmod(mode);
    } finally {
      await file.close();
    }
    await syncDirectory(dirname(path));
  } catch (error) {
    throw fileError(error, 'cannot write', path);
  }
}
