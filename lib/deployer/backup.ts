import { CutoverError } from '../base/errors.ts';
import { removeOldBackups, takeBackup } from '../database/backup.ts';
import type { BackupOwner } from '../database/names.ts';
import { nextRunId } from '../run/history.ts';
import { unrestoredRuns } from '../run/unrestored.ts';
import { whileHeld } from './held.ts';
import type { Place } from './place.ts';

/** What a backup came to, as `--json` prints it. */
export interface BackupReport {
  target: string;
  file: string;
  size_bytes: number;
  duration_ms: number;
  /** older backups that the keep rules do not keep */
  removed: string[];
}

/**
 * Backs the database of a target up, and removes old backups.
 * @throws `config` when none is configured; `refused` with the reason, `disk`, `permission`, `locked`; the signal's reason
 */
export async function backup(place: Place, { waitMs }: { waitMs: number }): Promise<BackupReport> {
  const owner = ownerOf(place);
  const { emit, signal, paths } = place;
  const note = (message: string): void => emit({ type: 'note', message });
  return whileHeld(place, { doing: 'backup', waitMs }, async ({ guard }) => {
    await guard();
    const made = await takeBackup({ ...owner, id: await nextRunId(paths), signal, onProgress: note });
    const { removed, problem } = await removeOldBackups(owner, {
      made: made.file,
      needed: () => unrestoredRuns(paths),
      signal,
    });
    if (problem !== null) note(`old backups were not removed: ${problem}`);
    const { file, bytes: size_bytes, durationMs: duration_ms } = made;
    return { target: owner.target, file, size_bytes, duration_ms, removed };
  });
}

/** Whose backups those of a place are. @throws `config` when no database is configured */
export function ownerOf({ config, target }: Pick<Place, 'config' | 'target'>): BackupOwner {
  const { name, database } = target;
  if (database) return { app: config.app, target: name, database };
  throw new CutoverError('config', `${name} has no database in the configuration`, {
    mend: `write [targets.${name}.database], see cutover config --docs`,
  });
}
