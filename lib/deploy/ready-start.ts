import { isCutoverError } from '../base/errors.ts';
import type { Systemd } from '../systemd/systemd.ts';
import { type UnitLife, watchLife } from './life.ts';

/** What has to be in place before a unit is started. */
export interface ReadyStart {
  life: UnitLife;
}

/** What can be done for a start while the unit still stops. */
export interface ClearedStart {
  /** the unit's file was changed since systemd has read it */
  isStale: boolean;
}

/**
 * Makes a start possible, whatever the unit's past: this start is an explicit one, so a used-up start limit is cleared
 * (`ResetFailedUnit`).
 */
export async function clearStart(systemd: Systemd, unit: string): Promise<ClearedStart> {
  const [isStale] = await Promise.all([systemd.property(unit, 'Unit', 'NeedDaemonReload'), systemd.resetFailed(unit)]);
  return { isStale: isStale === true };
}

/**
 * The rest, once the unit is down, where each moment counts: it is watched from here on, and a changed unit file is read.
 * @param cleared what was done while it stopped; without it that is done now
 */
export async function prepareStart(systemd: Systemd, unit: string, cleared?: ClearedStart): Promise<ReadyStart> {
  const [life, { isStale }] = await Promise.all([
    watchLife(systemd, unit, { isRunning: false }),
    cleared ?? clearStart(systemd, unit),
  ]);
  if (isStale) await readAgain(systemd);
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
