import { openController } from '../base/wait.ts';
import type { TargetConfig } from '../config/model.ts';
import type { Systemd } from '../systemd/systemd.ts';
import { socketsOf } from './socket-units.ts';
import { stopStandIns } from './stand-in.ts';
import { startProven, stopUnit } from './start.ts';

const socketJobMs = 10_000;

/**
 * Does work while nothing of the target runs, and starts again what ran, whatever the work came to. Sockets close for that
 * time: a connection would start the service in the middle.
 * @param isStarted the service is to run afterwards, although it may not have run before
 * @throws what the work throws, or `StepFailure` when the service does not come up again
 */
export async function whileStopped<T>(
  target: Pick<TargetConfig, 'unit' | 'ports' | 'startTimeoutMs' | 'stopTimeoutMs' | 'strategy'>,
  { systemd, isStarted }: { systemd: Systemd; isStarted: boolean },
  work: () => Promise<T>,
): Promise<T> {
  const { unit } = target;
  const { signal } = openController();
  const sockets = await socketsOf(systemd, unit);
  const open = isStarted ? sockets : await activeOf(systemd, sockets);
  const isRunning = isStarted || (await activeOf(systemd, [unit])).length > 0;
  for (const name of sockets) await systemd.stop(name, { timeoutMs: socketJobMs, signal });
  if (target.strategy === 'overlap') await stopStandIns(systemd, target);
  await stopUnit(systemd, target);
  try {
    return await work();
  } finally {
    for (const name of open) await systemd.start(name, { timeoutMs: socketJobMs, signal });
    if (isRunning) await startProven(systemd, target, { isOpen: () => false, signal });
  }
}

async function activeOf(systemd: Systemd, units: readonly string[]): Promise<string[]> {
  const states = await Promise.all(units.map((name) => systemd.property(name, 'Unit', 'ActiveState')));
  return units.filter((_, at) => states[at] !== 'inactive' && states[at] !== 'failed');
}
