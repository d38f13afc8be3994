import { isCutoverError } from '../base/errors.ts';
import { killedMs } from '../base/terminate.ts';
import { openController, poll, withDeadline } from '../base/wait.ts';
import type { TargetConfig } from '../config/model.ts';
import { isDown } from '../systemd/facts.ts';
import type { Systemd } from '../systemd/systemd.ts';
import { freePorts, requireDown } from './free-port.ts';
import { stopUnit } from './start.ts';

/** What of a target is needed to end what is left of it. */
type Leaving = Pick<TargetConfig, 'unit' | 'ports' | 'stopTimeoutMs'>;

/**
 * Stops a build that is gone back from, and ends all that it leaves, on a port or not: its worker would go on beside the build before.
 * What does not end keeps nobody from going back.
 */
export async function stopWithLeftOvers(systemd: Systemd, target: Leaving): Promise<void> {
  await stopUnit(systemd, target);
  await endProcesses(systemd, target.unit, openController().signal).catch(unlessLost);
}

/**
 * Ends what a unit that is down has left on its ports, before another build is started: it would keep that from its port, or
 * answer in its place. A stranger is named by the start, which is tried all the same.
 */
export async function endLeftOvers(systemd: Systemd, target: Leaving): Promise<void> {
  if (!isDown(await systemd.property(target.unit, 'Unit', 'ActiveState'))) return;
  await freePorts(systemd, target, openController().signal).catch(unlessLost);
}

function unlessLost(error: unknown): void {
  if (isCutoverError(error, 'bus_lost', 'systemd_unavailable')) throw error;
}

/**
 * Ends all that a unit that was stopped has left, on a port or not: `KillMode=process` leaves children behind, and those of the
 * unit's own control group may be ended.
 * @returns how many they were
 * @throws `timeout`; `StepFailure` systemd where another hand has started the unit
 */
export async function endProcesses(systemd: Systemd, unit: string, signal: AbortSignal): Promise<number> {
  const left = await systemd.processes(unit);
  if (left.length === 0) return 0;
  // What runs once it is up again is nothing that was left.
  await requireDown(systemd, unit);
  await systemd.kill(unit);
  const what = `processes that are left of ${unit} did not end`;
  await withDeadline({ what, timeoutMs: killedMs, signal }, (ended) =>
    poll({ everyMs: 10, signal: ended }, async () => (await systemd.processes(unit)).length === 0 || undefined),
  );
  return left.length;
}
