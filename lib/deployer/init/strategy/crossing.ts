import { isCutoverError } from '../../../base/errors.ts';
import { readIfThere } from '../../../base/files.ts';
import type { ManagerKind, TargetConfig } from '../../../config/model.ts';
import { type UnitLife, watchLife } from '../../../deploy/life.ts';
import { restartByJob } from '../../../deploy/restart-job.ts';
import { stopStandIns } from '../../../deploy/stand-in.ts';
import { watchStarted } from '../../../deploy/start.ts';
import type { Systemd } from '../../../systemd/systemd.ts';
import { enableUnits } from '../enable.ts';
import { bringFile, bringFiles } from './our-files.ts';
import type { OurFile, OurUnits } from './our-units.ts';
import { leavingText } from './service-lines.ts';

/** A unit between a port of its own and a socket unit. */
export interface Crossing {
  systemd: Systemd;
  manager: ManagerKind;
  target: Pick<TargetConfig, 'unit' | 'stopTimeoutMs' | 'startTimeoutMs'>;
  units: OurUnits;
  /** called right before the service is restarted */
  onRestart?: () => void;
}

/** Where a unit stands now. */
interface Standing {
  isSocketOpen: boolean;
  isRunning: boolean;
}

/**
 * Has systemd know the files that put the unit behind its socket, and open the socket at boot; nothing is restarted yet.
 * The lines beside the unit's file come last: from them on, any restart brings the socket along.
 */
export async function prepareSocket(
  { systemd, manager, target, units }: Crossing,
  files: readonly OurFile[],
  side: 'before' | 'after',
): Promise<void> {
  const template = files.find(({ path }) => path === units.templatePath);
  if (!template?.[side]) await stopStandIns(systemd, target);
  await bringFiles(files, side);
  await enableUnits(systemd, [units.socket], { isChanged: true, manager });
}

/**
 * Restarts the service behind its socket where it is not there yet: by one job, which stops the service, opens the socket
 * and starts the service, and which PID 1 finishes when this process dies.
 * @returns a watch over the service that was started; null: it stands there already
 * @throws `StepFailure`
 */
export async function enterSocket(crossing: Crossing, signal?: AbortSignal): Promise<UnitLife | null> {
  const { isSocketOpen, isRunning } = await standingOf(crossing);
  return isSocketOpen && isRunning ? null : restart(crossing, signal);
}

/**
 * The way out: one restart of the service by which systemd closes the socket, too. Then no file of ours is needed.
 * @returns a watch over the service that was started; null: it had its own port all the time
 * @throws `StepFailure`
 */
export async function leaveSocket(crossing: Crossing, signal?: AbortSignal): Promise<UnitLife | null> {
  const { systemd, target, units } = crossing;
  await stopStandIns(systemd, target);
  const isBegun = (await readIfThere(units.dropInPath)) !== null;
  // Before the reload: a service that crashes meanwhile would bring the socket along.
  if (isBegun || (await standingOf(crossing)).isSocketOpen) {
    await bringFile(units.dropInPath, leavingText(units.socket), 0o644);
  }
  await disable(crossing);
  await systemd.reload();
  const { isSocketOpen, isRunning } = await standingOf(crossing);
  return isSocketOpen || !isRunning ? restart(crossing, signal) : null;
}

/** A change that was cut off may have written no file yet. */
async function disable({ systemd, units: { socket } }: Crossing): Promise<void> {
  await systemd.call('DisableUnitFiles', 'asb', [[socket], false], socket).catch((error: unknown) => {
    if (!isCutoverError(error, 'no_such_unit')) throw error;
  });
}

/** Takes our files away. */
export async function removeOurs({ systemd, units }: Crossing): Promise<void> {
  const { dropInPath, templatePath, socketPath } = units;
  for (const path of [dropInPath, templatePath, socketPath]) await bringFile(path, null, 0);
  await systemd.reload();
  await systemd.resetFailed(units.socket);
}

/** A service that waits for its next automatic restart does not run. */
export async function standingOf({ systemd, target, units }: Crossing): Promise<Standing> {
  const [socket, facts] = await Promise.all([
    systemd.property(units.socket, 'Unit', 'ActiveState'),
    systemd.facts(target.unit),
  ]);
  return { isSocketOpen: socket === 'active', isRunning: facts.activeState === 'active' };
}

async function restart({ systemd, target, units, onRestart }: Crossing, signal?: AbortSignal): Promise<UnitLife> {
  const { unit } = target;
  for (const name of [unit, units.socket]) await systemd.resetFailed(name);
  signal?.throwIfAborted();
  onRestart?.();
  const { result } = await restartByJob(systemd, target, signal);
  const { life } = await watchStarted(systemd, unit, result);
  return life;
}

/** A watch over a service that nobody had to restart. */
export async function watchAsItIs({ systemd, target }: Crossing): Promise<UnitLife> {
  return watchLife(systemd, target.unit, { isRunning: true });
}
