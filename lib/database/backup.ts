import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { isCutoverError, messageOf } from '../base/errors.ts';
import { removeTrees } from '../base/remove.ts';
import { formatSize } from '../config/quantities.ts';
import { databaseKinds } from './kinds.ts';
import { type BackupOwner, backupPath } from './names.ts';
import { backupsToGo, listBackups } from './retention.ts';
import { inWorkFolder, publish } from './work.ts';

/** A database may be large, and a disk slow; what takes longer than this hangs. */
export const databaseTimeoutMs = 6 * 60 * 60_000;

/** So often it is told how far a long backup has come. */
const tellEveryMs = 15_000;

export interface BackupRequest extends BackupOwner {
  /** a run's id: the backup's name comes from it */
  id: string;
  signal: AbortSignal;
  /** told now and then while it takes long */
  onProgress?: (message: string) => void;
}

/** A backup that counts. */
export interface BackupMade {
  file: string;
  bytes: number;
  durationMs: number;
}

/**
 * Backs the database up while the application goes on: a consistent copy, verified before it gets its name. For the
 * holder of the target. Older backups are left alone.
 * @throws `refused` with the reason, `disk`, `permission`, `config`; the signal's reason when aborted
 */
export async function takeBackup(request: BackupRequest): Promise<BackupMade> {
  const { database, id, signal, onProgress } = request;
  const began = performance.now();
  const file = backupPath(request, id);
  return inWorkFolder(request, 'backup', async (work) => {
    const telling = setInterval(() => onProgress?.(progressOf(work, performance.now() - began)), tellEveryMs);
    try {
      const task = { database, work, timeoutMs: databaseTimeoutMs, signal };
      const bytes = await publish(await databaseKinds[database.kind].dump(task), file);
      return { file, bytes, durationMs: Math.round(performance.now() - began) };
    } finally {
      clearInterval(telling);
    }
  });
}

function progressOf(work: string, elapsedMs: number): string {
  let bytes = 0;
  try {
    for (const name of readdirSync(work)) bytes += statSync(join(work, name)).size;
  } catch {
    // The work may be over in this very moment.
  }
  return `the backup goes on: ${formatSize(bytes)} after ${Math.round(elapsedMs / 1000)} s`;
}

/**
 * Removes the backups that the keep rules do not keep; never the one that was just made, whatever the clock says.
 * @param needed the ids of those that are not to go, whatever the rules say
 * @returns what was removed, and why others could not be: that is no reason to end anything
 */
export async function removeOldBackups(
  owner: BackupOwner,
  { made, needed, signal }: { made: string; needed: () => Promise<ReadonlySet<string>>; signal: AbortSignal },
): Promise<{ removed: string[]; problem: string | null }> {
  try {
    const going = backupsToGo(await listBackups(owner), owner.database, {
      nowMs: Date.now(),
      needed: await needed(),
    }).map(({ path }) => path);
    const paths = going.filter((path) => path !== made);
    const problems = await removeTrees(paths, signal);
    const [first] = problems.values();
    return { removed: paths.filter((path) => !problems.has(path)), problem: first?.message ?? null };
  } catch (error) {
    if (isCutoverError(error, 'interrupted')) throw error;
    return { removed: [], problem: messageOf(error) };
  }
}
