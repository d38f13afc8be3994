import { isThere } from '../base/files.ts';
import { openController } from '../base/wait.ts';
import { currentPath } from '../builds/layout.ts';
import type { TargetConfig } from '../config/model.ts';
import { StepFailure } from '../run/failure.ts';
import { promptJobMs } from '../systemd/jobs.ts';
import type { Systemd } from '../systemd/systemd.ts';
import { systemctl } from '../systemd/typed.ts';
import { endProcesses } from './leftovers.ts';
import { stopStandIns } from './stand-in.ts';
import { stopUnit } from './start.ts';

/** The socket units that hold a service's ports (`TriggeredBy=`, systemd.unit(5)). */
export async function socketsOf(systemd: Pick<Systemd, 'facts'>, unit: string): Promise<string[]> {
  const { triggeredBy } = await systemd.facts(unit);
  return triggeredBy.filter((name) => name.endsWith('.socket'));
}

/**
 * Sees that the service's sockets are active. A crash loop closes them (`StartLimitIntervalSec=` of the service, or
 * `TriggerLimitBurst=` of the socket), and then nobody waits any more: they are opened again, with the service stopped
 * meanwhile, since a socket unit does not start while its service runs; and without stand-ins and what a stop leaves, which would
 * have the port.
 * @throws `StepFailure` when a socket stays closed
 */
export async function requireSockets(
  systemd: Systemd,
  target: Pick<TargetConfig, 'unit' | 'builds' | 'stopTimeoutMs' | 'startTimeoutMs'>,
): Promise<void> {
  const sockets = await socketsOf(systemd, target.unit);
  if (sockets.length === 0) throw new StepFailure('systemd', `no socket unit starts ${target.unit}`);
  const closed = await closedOf(systemd, sockets);
  if (closed.length === 0) return;
  const { signal } = openController();
  await Promise.all([stopStandIns(systemd, target), stopUnit(systemd, target, signal)]);
  await endProcesses(systemd, target.unit, signal);
  for (const name of [target.unit, ...closed]) await systemd.resetFailed(name);
  for (const name of closed) await systemd.start(name, { timeoutMs: promptJobMs, signal });
  // Before a first deploy there is nothing that could start.
  const isDeployed = await isThere(currentPath(target.builds));
  if (isDeployed) await systemd.start(target.unit, { timeoutMs: target.startTimeoutMs, signal });
  await requireOpen(systemd, sockets);
}

/** @throws `StepFailure` where one of the sockets is closed */
export async function requireOpen(systemd: Systemd, sockets: readonly string[]): Promise<void> {
  const [still] = await closedOf(systemd, sockets);
  if (!still) return;
  const { manager } = await systemd.facts(still);
  throw new StepFailure('systemd', `${still} cannot be opened: ${systemctl(manager, `status ${still}`)}`);
}

async function closedOf(systemd: Systemd, sockets: readonly string[]): Promise<string[]> {
  const states = await Promise.all(sockets.map((name) => systemd.property(name, 'Unit', 'ActiveState')));
  return sockets.filter((_, place) => states[place] !== 'active');
}
