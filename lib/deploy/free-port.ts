import { withDeadline } from '../base/wait.ts';
import { isCutoverError } from '../base/errors.ts';
import type { TargetConfig } from '../config/model.ts';
import { StepFailure } from '../run/failure.ts';
import type { StepFacts } from '../run/step.ts';
import { areBindable } from '../systemd/bindable.ts';
import { isDown } from '../systemd/facts.ts';
import type { Systemd } from '../systemd/systemd.ts';
import { lookAtPorts, portTaken, untilFree } from './ports.ts';

/** What holds a port this long after the unit has stopped is not on its way out. */
const lingerMs = 1_000;

/**
 * Waits until nobody listens on the unit's ports. What the old build left in the unit's own control group is ended;
 * a stranger is named and never touched.
 * @throws `StepFailure` port_taken; systemd where another hand has started the unit
 */
export async function freePorts(
  systemd: Systemd,
  { unit, ports, stopTimeoutMs }: Pick<TargetConfig, 'unit' | 'ports' | 'stopTimeoutMs'>,
  signal: AbortSignal,
): Promise<StepFacts | void> {
  if (await areBindable(ports)) return undefined;
  if (await isFreeOfStrangers(systemd, { unit, ports })) return undefined;
  if (await isFreeWithin(ports, lingerMs, signal)) return undefined;
  await isFreeOfStrangers(systemd, { unit, ports });
  // `KillMode=process` leaves children behind; they are the unit's own, so they may be ended. What runs once it is up again is none.
  await requireDown(systemd, unit);
  await systemd.kill(unit);
  if (await isFreeWithin(ports, stopTimeoutMs, signal)) return { leftovers: 'ended' };
  const [left] = (await lookAtPorts(systemd, unit, ports)).strangers;
  throw portTaken(left ?? { port: ports[0] as number, holder: null });
}

/** The unit is down, so a process of another unit that listens now is on no way out. @returns whether nobody listens */
async function isFreeOfStrangers(
  systemd: Systemd,
  { unit, ports }: { unit: string; ports: readonly number[] },
): Promise<boolean> {
  const { free, strangers } = await lookAtPorts(systemd, unit, ports);
  const stranger = strangers.find(({ holder }) => holder !== null && holder.unit !== unit);
  if (stranger) throw portTaken(stranger);
  return free.length === ports.length;
}

/** Sees that a unit that was stopped is down still. @throws `StepFailure` systemd where another hand has started it */
export async function requireDown(systemd: Systemd, unit: string): Promise<void> {
  if (isDown(await systemd.property(unit, 'Unit', 'ActiveState'))) return;
  throw new StepFailure('systemd', `${unit} was started by another hand while it had to be down`);
}

async function isFreeWithin(ports: readonly number[], timeoutMs: number, signal: AbortSignal): Promise<boolean> {
  try {
    await withDeadline({ what: 'the port was not released', timeoutMs, signal }, (ended) => untilFree(ports, ended));
    return true;
  } catch (error) {
    signal.throwIfAborted();
    if (isCutoverError(error, 'timeout')) return false;
    throw error;
  }
}
