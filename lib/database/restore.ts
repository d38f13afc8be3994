import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { CutoverError } from '../base/errors.ts';
import { firmPath } from '../base/firm-path.ts';
import { databaseTimeoutMs } from './backup.ts';
import type { DatabaseTask, PutBack } from './kind.ts';
import { databaseKinds } from './kinds.ts';
import type { BackupOwner } from './names.ts';
import { endUnfinished } from './sqlite-replace.ts';
import { inWorkFolder } from './work.ts';

/** A server that is there answers within this. */
const reachMs = 10_000;

/** A backup that was found. */
export interface FoundBackup {
  path: string;
  bytes: number;
  writtenMs: number;
}

/**
 * Finds the file that a person named: a path, or a name in the directory of the backups.
 * @throws `usage` when there is none
 */
export async function findBackup(
  name: string,
  { backups }: BackupOwner['database'],
  cwd: string,
): Promise<FoundBackup> {
  for (const path of [resolve(cwd, name), join(backups, name)]) {
    const found = await stat(path).catch(() => null);
    if (found?.isFile()) return { path, bytes: found.size, writtenMs: found.mtimeMs };
  }
  throw new CutoverError('usage', `there is no backup ${name}, neither there nor in ${backups}`, {
    mend: `ls -l ${backups}`,
  });
}

/** How a backup is put in its place. */
export type PutRequest = { signal: AbortSignal } & Pick<DatabaseTask, 'isSetAside' | 'madeFor' | 'onNote'>;

/** A backup that was seen to be whole. */
export interface OpenedBackup {
  /**
   * Puts it in the place of the database, entirely or not at all. Nobody else may write meanwhile.
   * @throws `refused` when the database does not take it, `disk`, `permission`; the signal's reason
   */
  put(how: PutRequest): Promise<PutBack>;
}

/**
 * Sees that a file is a whole backup, and that the database can be reached, without touching it, and does work with it. For
 * the holder of the target.
 * @throws `refused` when it is none, or there is nothing to restore into; `disk`, `permission`; the signal's reason
 */
export async function withBackup<T>(
  owner: BackupOwner,
  { file, signal }: { file: string; signal: AbortSignal },
  work: (backup: OpenedBackup) => Promise<T>,
): Promise<T> {
  const { database } = owner;
  const kind = databaseKinds[database.kind];
  return inWorkFolder(owner, 'restore', async (folder) => {
    const task = { database, work: folder, timeoutMs: databaseTimeoutMs };
    const opened = await kind.open(file, { ...task, signal });
    await kind.reach({ ...task, timeoutMs: reachMs, signal });
    return work({ put: (how) => kind.put(opened, { ...task, ...how }) });
  });
}

export interface RestoreRequest extends BackupOwner, PutRequest {
  file: string;
}

/** Both in one. @throws as they do */
export async function restoreBackup({ file, app, target, database, ...how }: RestoreRequest): Promise<PutBack> {
  return withBackup({ app, target, database }, { file, signal: how.signal }, (backup) => backup.put(how));
}

/**
 * Takes back what a dead process left of a `put` that it was in the middle of, for whoever starts what uses the database.
 * @throws `refused`, `permission`
 */
export async function endPut({ path }: BackupOwner['database']): Promise<void> {
  if (path !== null) await endUnfinished(await firmPath(path));
}
