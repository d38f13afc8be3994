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

export interface RestoreRequest extends BackupOwner {
  file: string;
  signal: AbortSignal;
  /** called once the file is known to be good; what it does stands between that and the first change */
  before?: () => Promise<void>;
}

/**
 * Puts a backup in the place of the database, entirely or not at all. Nobody else may write meanwhile. For the holder of
 * the target.
 * @throws `refused` (the file is no whole backup, or the database does not take it), `disk`, `permission`; the signal's reason
 */
export async function restoreBackup({ file, signal, before, ...owner }: RestoreRequest): Promise<void> {
  const { database } = owner;
  const kind = databaseKinds[database.kind];
  await inWorkFolder(owner, 'restore', async (work) => {
    const task = { database, work, timeoutMs: databaseTimeoutMs, signal };
    const opened = await kind.open(file, task);
    await before?.();
    await kind.put(opened, task);
  });
}
