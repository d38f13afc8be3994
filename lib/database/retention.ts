import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, fileError } from '../base/errors.ts';
import { type BackupOwner, backupIdOf, backupTimeMs } from './names.ts';

/** A backup on the disk. */
export interface Backup {
  id: string;
  name: string;
  path: string;
}

/** The backups of a target, newest first; nothing else that lies there. @throws `permission` */
export async function listBackups(owner: BackupOwner): Promise<Backup[]> {
  const { backups } = owner.database;
  const names = await readdir(backups).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return [];
    throw fileError(error, 'cannot read', backups);
  });
  return names
    .flatMap((name) => {
      const id = backupIdOf(owner, name);
      return id === null ? [] : [{ id, name, path: join(backups, name) }];
    })
    .toSorted((one, other) => (one.id < other.id ? 1 : -1));
}

/**
 * The backups that go: more than `keep`, or older than `keep_for`. The newest stays, however old it is.
 * @param backups newest first
 * @param how `needed`: the ids of those that stay in any case
 */
export function backupsToGo(
  backups: readonly Backup[],
  { keep, keepForMs }: Pick<BackupOwner['database'], 'keep' | 'keepForMs'>,
  { nowMs, needed }: { nowMs: number; needed: ReadonlySet<string> },
): Backup[] {
  const old = backups.slice(1).filter(({ id }, at) => at + 1 >= keep || nowMs - backupTimeMs(id) > keepForMs);
  return old.filter(({ id }) => !needed.has(id));
}
