import { killedMs } from '../base/terminate.ts';
import { openController } from '../base/wait.ts';
import type { TargetConfig } from '../config/model.ts';
import { isDown, isUp } from '../systemd/facts.ts';
import { promptJobMs } from '../systemd/jobs.ts';
import type { Systemd } from '../systemd/systemd.ts';
import { requireDown } from './free-port.ts';
import { endProcesses } from './leftovers.ts';
import { requireOpen, socketsOf } from './socket-units.ts';
import { stopStandIns } from './stand-in.ts';
import { type Opened, unseen } from './ports.ts';
import { type Startable, startProven, stopUnit } from './start.ts';

/** Does work while nothing of the target runs, and starts it again when it was asked to, whatever the work came to. */
export async function whileStopped<T>(
  target: Startable,
  { systemd, isStarted }: { systemd: Systemd; isStarted: boolean },
  work: () => Promise<T>,
): Promise<T> {
  const start = async (): Promise<void> => {
    if (isStarted) await startAll(systemd, target, unseen);
  };
  let done: T;
  try {
    // A socket may be closed when the next unit does not stop.
    await stopAll(systemd, target);
    done = await work();
  } catch (error) {
    await start().catch((second: unknown) => {
      if (error instanceof Error) error.cause ??= second;
    });
    throw error;
  }
  await start();
  return done;
}

/** Whether anything of the target runs: a socket that waits for connections counts. */
export async function isAnyUp(systemd: Systemd, { unit }: Pick<TargetConfig, 'unit'>): Promise<boolean> {
  const units = [unit, ...(await socketsOf(systemd, unit))];
  const states = await Promise.all(units.map((name) => systemd.property(name, 'Unit', 'ActiveState')));
  return !states.every(isDown);
}

/**
 * Stops all that could write: the sockets first, since a connection would start the service again, and the stand-ins.
 * @throws `StepFailure` systemd where another hand has started the unit again
 */
export async function stopAll(systemd: Systemd, target: Startable): Promise<void> {
  const { unit, strategy, stopTimeoutMs } = target;
  const { signal } = openController();
  // A socket closes after the services that require it have ended, and one of those may have to be killed for that.
  const timeoutMs = stopTimeoutMs + killedMs + promptJobMs;
  const sockets = await socketsOf(systemd, unit);
  const stopping = [
    ...sockets.map((name) => systemd.stop(name, { timeoutMs, signal })),
    ...(strategy === 'overlap' ? [stopStandIns(systemd, target)] : []),
    stopUnit(systemd, target),
  ];
  await Promise.allSettled(stopping);
  await Promise.all(stopping);
  await endProcesses(systemd, unit, signal);
  // A unit that another one upholds, or that a path starts, is up again at once: nothing may be done to its data then.
  await requireDown(systemd, unit);
}

/** Opens the sockets and starts the service, where they are not up already. @throws `StepFailure` when one of them does not come up */
export async function startAll(systemd: Systemd, target: Startable, opened: Opened): Promise<void> {
  const { signal } = openController();
  const sockets = await socketsOf(systemd, target.unit);
  for (const name of sockets) await systemd.start(name, { timeoutMs: promptJobMs, signal });
  if (!isUp(await systemd.facts(target.unit))) await startProven(systemd, target, { opened, signal });
  // A service that serves without its socket is better than none, but its next restart would refuse connections.
  await requireOpen(systemd, sockets);
}
