import { join } from 'node:path';
import type { DatabaseConfig } from '../config/model.ts';

/** Whose backups are meant: several apps and targets may share a directory. */
export interface BackupOwner {
  app: string;
  target: string;
  database: DatabaseConfig;
}

/** What a backup of each kind ends in: a compressed SQLite file; an archive of pg_dump, which is compressed inside. */
const endings: Record<DatabaseConfig['kind'], string> = { sqlite: 'sqlite.gz', postgres: 'dump' };

/** What the holder of a target does in a folder of its own. */
export const workPurposes = ['backup', 'restore'] as const;

const idPattern = /^(\d{4})(\d{2})(\d{2})-(\d{2})(\d{2})(\d{2})-[0-9a-f]{4}$/;

/** A backup's file name. @param id a run's: the time in UTC, and four digits that tell two of a second apart */
export function backupName({ app, target, database }: BackupOwner, id: string): string {
  return `${app}@${target}-${id}.${endings[database.kind]}`;
}

/** Where the backup of that id is, or would be. */
export function backupPath(owner: BackupOwner, id: string): string {
  return join(owner.database.backups, backupName(owner, id));
}

/** The id in a name, or null when the file is not such a backup of this target: then it is not ours to remove. */
export function backupIdOf(owner: BackupOwner, name: string): string | null {
  return idIn(name, owner, endings[owner.database.kind]);
}

/** Whether backups of this target are called so, of whichever kind its database was, or the folders where they are worked on. */
export function isNameOf(owner: Pick<BackupOwner, 'app' | 'target'>, name: string): boolean {
  const isBackup = Object.values(endings).some((ending) => idIn(name, owner, ending) !== null);
  return isBackup || workPurposes.some((purpose) => workName(owner, purpose) === name);
}

function idIn(name: string, { app, target }: Pick<BackupOwner, 'app' | 'target'>, ending: string): string | null {
  const [start, end] = [`${app}@${target}-`, `.${ending}`];
  if (!name.startsWith(start) || !name.endsWith(end)) return null;
  const id = name.slice(start.length, -end.length);
  return idPattern.test(id) ? id : null;
}

/** When a backup was begun, as its id tells, in milliseconds since the epoch. */
export function backupTimeMs(id: string): number {
  const [, year, month, day, hour, minute, second] = idPattern.exec(id) ?? [];
  return Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
}

/** The folder beside the backups where the holder of the target works; what is in it counts for nothing. */
export function workName({ app, target }: Pick<BackupOwner, 'app' | 'target'>, purpose: string): string {
  return `.${app}@${target}.${purpose}`;
}
