import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { CutoverError } from '../base/errors.ts';
import { databaseTimeoutMs } from './backup.ts';
import { databaseKinds } from './kinds.ts';
import type { BackupOwner } from './names.ts';
import { inWorkFolder } from './work.ts';

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

/** A backup that was seen to be whole. */
export interface OpenedBackup {
  /**
   * Puts it in the place of the database, entirely or not at all. Nobody else may write meanwhile.
   * @param how `isSetAside`: what is there is damaged, and kept under another name
   * @throws `refused` when the database does not take it, `disk`, `permission`; the signal's reason
   */
  put(how: { signal: AbortSignal; isSetAside?: boolean }): Promise<void>;
}

/**
 * Sees that a file is a whole backup, without touching the database, and does work with it. For the holder of the target.
 * @throws `refused` when it is none; `disk`, `permission`; the signal's reason
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
    return work({ put: (how) => kind.put(opened, { ...task, ...how }) });
  });
}

export interface RestoreRequest extends BackupOwner {
  file: string;
  signal: AbortSignal;
  /** called once the file is known to be good; what it does stands between that and the first change */
  before?: () => Promise<void>;
}

/** Both in one. @throws as they do */
export async function restoreBackup({ file, signal, before, ...owner }: RestoreRequest): Promise<void> {
  await withBackup(owner, { file, signal }, async (backup) => {
    await before?.();
    await backup.put({ signal });
  });
}
