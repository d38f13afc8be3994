import { isCutoverError } from '../base/errors.ts';
import type { Systemd } from '../systemd/systemd.ts';

/** What is known of a unit that may be started. */
export interface ReadyStart {
  /** its file has changed since systemd read it */
  isStale: boolean;
  /** its `Type=` */
  type: unknown;
  /** when that was asked (`performance.now()`) */
  atMs: number;
}

/** In a stop, or a migration, that takes its time somebody may have changed the file. */
const freshMs = 1_000;

export function isFresh(ready: ReadyStart | undefined): ready is ReadyStart {
  return ready !== undefined && performance.now() - ready.atMs < freshMs;
}

/**
 * Makes a start possible, whatever the unit's past: this start is an explicit one, so a used-up start limit is cleared
 * (`ResetFailedUnit`). It may be done while the unit stops: while it is down, each moment counts.
 */
export async function prepareStart(systemd: Systemd, unit: string): Promise<ReadyStart> {
  const atMs = performance.now();
  const [isStale, type] = await Promise.all([
    systemd.property(unit, 'Unit', 'NeedDaemonReload'),
    systemd.property(unit, 'Service', 'Type'),
    systemd.resetFailed(unit),
  ]);
  return { isStale: isStale === true, type, atMs };
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
