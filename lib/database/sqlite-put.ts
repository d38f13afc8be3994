import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { dirname } from 'node:path';
import { CutoverError, errnoOf, fileError, isCutoverError, messageOf } from '../base/errors.ts';
import { isThere } from '../base/files.ts';
import { firmPath } from '../base/firm-path.ts';
import { querySqlite, quoted, runSqlite } from '../stores/sqlite.ts';
import type { DatabaseTask, PutBack } from './kind.ts';
import { endUnfinished, replaceSqlite } from './sqlite-replace.ts';

/** The service is down meanwhile. */
const askAgainMs = 60_000;

/**
 * Sees that a SQLite file can be written, or made.
 * @throws `permission`; `refused` when its directory is missing, or root meets another user's link
 */
export async function reachSqlite({ database }: DatabaseTask): Promise<void> {
  const path = await firmPath(database.path ?? '');
  const isMade = !(await isThere(path));
  const place = isMade ? dirname(path) : path;
  await access(place, constants.W_OK).catch((error: unknown) => {
    if (errnoOf(error) !== 'ENOENT' && errnoOf(error) !== 'ENOTDIR') throw fileError(error, 'cannot write', place);
    throw new CutoverError('refused', `${place} does not exist`, { mend: `ls -ld ${dirname(place)}` });
  });
}

/**
 * Restores a SQLite file in place: one transaction of SQLite's own, so that a death in the middle leaves the database as it
 * was, and owner, mode and inode stay, for other processes that have it open too. Where there is none, or what is there is no
 * database any more, a new file takes its place.
 * @param opened a file that was seen to be good
 * @throws `refused` when others keep it locked, the query fails, or root meets another user's link; `disk`, `permission`
 */
export async function putSqlite(opened: string, task: DatabaseTask): Promise<PutBack> {
  const path = await firmPath(task.database.path ?? '');
  await endUnfinished(path);
  if (task.isSetAside || !(await isThere(path))) return replaceSqlite(opened, path, task);
  try {
    await runSqlite(path, [`.restore ${quoted(opened)}`], task);
  } catch (error) {
    if (isBroken(error)) return replaceSqlite(opened, path, task);
    throw locked(error, path);
  }
  await askAgain(path, task);
  return { setAside: null };
}

/** It is restored, whatever is said now and whoever gives up waiting: the file answered the same question before. */
async function askAgain(path: string, { database, onNote }: DatabaseTask): Promise<void> {
  const query = database.verify ?? 'SELECT count(*) FROM sqlite_master';
  await querySqlite(path, query, { timeoutMs: askAgainMs, isFirm: true }).catch((error: unknown) => {
    const why = isLocked(error) ? 'another process has it' : messageOf(error);
    onNote?.(`${path} is restored, and did not answer afterwards: ${why}`);
  });
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
