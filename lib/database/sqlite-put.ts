import { chmod, chown, open, realpath, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { CutoverError, fileError, isCutoverError } from '../base/errors.ts';
import { isThere, move, removeIfThere, syncDirectory } from '../base/files.ts';
import { querySqlite, quoted, runSqlite } from '../stores/sqlite.ts';
import type { DatabaseTask } from './kind.ts';

/**
 * Restores a SQLite file in place: one transaction of SQLite's own, so that a death in the middle leaves the database as it
 * was, and owner, mode and inode stay, for other processes that have it open too.
 * @param opened a file that was seen to be good
 * @throws `refused` when others keep it locked, or the query fails; `disk`, `permission`
 */
export async function putSqlite(opened: string, task: DatabaseTask): Promise<void> {
  const given = task.database.path ?? '';
  // A link stays a link.
  const path = await realpath(given).catch(() => given);
  if (task.isSetAside && (await isThere(path))) await setAside(path);
  if (!(await isThere(path))) await makeLike(path, await stat(dirname(path)), 0o600);
  const restore = (): Promise<string> => runSqlite(path, [path, `.restore ${quoted(opened)}`], task);
  await restore().catch(async (error: unknown) => {
    if (!isBroken(error)) throw locked(error, path);
    await setAside(path);
    await restore();
  });
  await querySqlite(path, task.database.verify ?? 'SELECT count(*) FROM sqlite_master', task);
}

/** What stands there is no database any more, so nothing can be restored into it. */
function isBroken(error: unknown): boolean {
  return isCutoverError(error, 'refused') && /not a database|malformed/.test(error.message);
}

function locked(error: unknown, path: string): unknown {
  if (!isCutoverError(error, 'refused') || !/locked|busy/.test(error.message)) return error;
  return new CutoverError('refused', `${path} is kept locked by another process`, {
    mend: `fuser -v ${path}`,
    cause: error,
  });
}

/** Keeps what was there under another name, and puts an empty file with its owner and mode in its place. */
async function setAside(path: string): Promise<void> {
  const known = await stat(path);
  const stamp = new Date().toISOString().replaceAll(/[-:]|\.\d+Z/g, '');
  // Under its own name, a log of the old file would be played into the new one.
  for (const end of ['-wal', '-journal', '']) {
    if (await isThere(`${path}${end}`)) await move(`${path}${end}`, `${path}.broken-${stamp}${end}`);
  }
  await removeIfThere(`${path}-shm`);
  await makeLike(path, known, known.mode & 0o7777);
}

async function makeLike(path: string, { uid, gid }: { uid: number; gid: number }, mode: number): Promise<void> {
  try {
    await (await open(path, 'wx', 0o600)).close();
    if (process.getuid?.() === 0) await chown(path, uid, gid);
    await chmod(path, mode);
    await syncDirectory(dirname(path));
  } catch (error) {
    throw fileError(error, 'cannot write', path);
  }
}
