import { constants } from 'node:fs';
import { access, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { CutoverError, errnoOf, fileError, messageOf } from '../base/errors.ts';
import { isThere } from '../base/files.ts';
import { firmPath } from '../base/firm-path.ts';
import { type Answer, fail, pass, warn } from '../checks/check.ts';
import type { DatabaseConfig, TargetConfig } from '../config/model.ts';
import { queryPostgres } from '../stores/postgres.ts';
import type { Patience } from '../stores/program.ts';
import { querySqlite } from '../stores/sqlite.ts';
import { whyNeeded } from './database-steps.ts';

/** It is only asked whether it answers: a copy is made by the deploy itself. */
const timeoutMs = 5_000;

/**
 * Whether the backup that a deploy begins with can be made: the database answers, and there is a place for the copy. It
 * fails where the deploy would be refused without one, and warns where it would go on.
 * @param how `isFirst`: there may be no database yet
 */
export async function askDatabase(
  target: Pick<TargetConfig, 'database' | 'hooks'> & { database: DatabaseConfig },
  { isFirst, signal }: { isFirst: boolean; signal: AbortSignal },
): Promise<Answer> {
  const { database } = target;
  const expected = `a database that answers, and room in ${database.backups}`;
  if (isFirst && database.path !== null && !(await isThere(database.path)))
    return pass(`${database.path} does not exist yet`, expected);
  try {
    await Promise.all([askIt(database, signal), requireRoom(database.backups)]);
    return pass(`answers; ${database.backups} can be written`, expected);
  } catch (error) {
    signal.throwIfAborted();
    const why = whyNeeded(target);
    const mend = (error instanceof CutoverError && error.mend) || mendOf(database);
    if (why === null) return warn(`no backup can be made: ${messageOf(error)}`, expected, mend);
    return fail(`no backup can be made, and ${why}: ${messageOf(error)}`, expected, mend);
  }
}

async function askIt(database: DatabaseConfig, signal: AbortSignal): Promise<void> {
  const patience = { timeoutMs, signal };
  if (database.kind === 'postgres') await queryPostgres(database, 'SELECT 1', patience);
  else await askFile(await firmPath(database.path ?? ''), patience);
}

async function askFile(path: string, patience: Patience): Promise<void> {
  await querySqlite(path, 'SELECT count(*) FROM sqlite_master', { ...patience, isFirm: true });
}

function mendOf({ kind, path, urlFile, backups }: DatabaseConfig): string {
  const place = kind === 'sqlite' ? path : urlFile;
  return `ls -ld ${[place, backups].filter(Boolean).join(' ')}`;
}

/** The directory, or the one that it would be made in. */
async function requireRoom(directory: string): Promise<void> {
  const found = await stat(directory).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT' && directory !== dirname(directory)) return null;
    if (errnoOf(error) === 'ENOTDIR') throw inTheWay(directory);
    throw fileError(error, 'cannot write', directory);
  });
  if (found === null) return requireRoom(dirname(directory));
  if (!found.isDirectory()) throw inTheWay(directory);
  await access(directory, constants.W_OK | constants.X_OK).catch((error: unknown) => {
    throw fileError(error, 'cannot write', directory);
  });
  const { blocks, bavail } = await statfs(directory);
  // Some file systems count no blocks.
  if (blocks > 0 && bavail === 0)
    throw new CutoverError('disk', `no space left in ${directory}`, { mend: `df -h ${directory}; cutover prune` });
}

function inTheWay(path: string): CutoverError {
  return new CutoverError('refused', `${path} is no directory`, { mend: `ls -ld ${path}` });
}
