import { isCutoverError } from '../base/errors.ts';
import type { Systemd } from '../systemd/systemd.ts';
import { type UnitLife, watchLife } from './life.ts';

/** What has to be in place before a unit is started. */
export interface ReadyStart {
  life: UnitLife;
}

/**
 * Makes a start possible, whatever the unit's past: this start is an explicit one, so a used-up start limit is cleared
 * (`ResetFailedUnit`), and a changed unit file read. While the unit is down, each moment of this counts.
 * @param isCleared the start limit was cleared while the unit stopped
 */
export async function prepareStart(systemd: Systemd, unit: string, isCleared = false): Promise<ReadyStart> {
  const [life, isStale] = await Promise.all([
    watchLife(systemd, unit, { isRunning: false }),
    systemd.property(unit, 'Unit', 'NeedDaemonReload'),
    isCleared ? undefined : systemd.resetFailed(unit),
  ]);
  if (isStale === true) await readAgain(systemd);
  return { life };
}

/**
 * Has systemd read a changed unit file. Whom it refuses that goes on: the check `permission` has said so before, and a service that is
 * down is better started as systemd knows it than not at all.
 */
export async function readAgain(systemd: Systemd): Promise<void> {
  await systemd.reload().catch((error: unknown) => {
    if (!isCutoverError(error, 'permission')) throw error;
  });
}
