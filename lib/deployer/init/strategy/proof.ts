import { join } from 'node:path';
import { isCutoverError } from '../../../base/errors.ts';
import { poll, sleep, withDeadline } from '../../../base/wait.ts';
import { currentBuild } from '../../../builds/current.ts';
import type { TargetConfig } from '../../../config/model.ts';
import { passGate } from '../../../deploy/gate.ts';
import type { UnitLife } from '../../../deploy/life.ts';
import { holdsPorts } from '../../../deploy/ports.ts';
import { untilReady } from '../../../deploy/start.ts';
import { StepFailure } from '../../../run/failure.ts';
import { invocationIdOf } from '../../../systemd/facts.ts';
import { askJournal } from '../../../systemd/journal.ts';
import { isWaitingFor } from '../../../systemd/readiness.ts';
import { listListeners } from '../../../systemd/sockets.ts';
import type { Systemd } from '../../../systemd/systemd.ts';
import type { Place } from '../../place.ts';

/** What a program says that finds its port taken, by systemd in this case. */
const takenWords = /EADDRINUSE|address (is )?already in use/i;
const readEveryMs = 300;
/** Without an address to ask, a service that goes on for this long is called well. */
const watchMs = 1_000;

/** What is to be proven of the service that runs now. */
export interface Proving {
  /** with the strategy by which it should serve */
  target: TargetConfig;
  /** the invocation before a restart, which must not be the one that serves; null: any will do */
  invocationBefore: string | null;
  /** the program waits for connections in a way that can be seen */
  canBeSeen: boolean;
  /** when the change, or the way back, began: what the service logged before is no news; milliseconds since the epoch */
  sinceMs: number;
  life: UnitLife;
  signal: AbortSignal;
}

/** Whether the service is seen to wait for connections on its ports, now. */
export async function isSeenWaiting(systemd: Systemd, { unit, ports }: TargetConfig): Promise<boolean> {
  const inodes = new Set((await listListeners(ports)).map(({ inode }) => inode));
  return isWaitingFor(inodes, await systemd.processes(unit));
}

/**
 * Proves that the service serves by the strategy of the target: its own processes take the connections, and it passes the
 * gate of a deploy.
 * @throws `StepFailure`, `timeout`
 */
export async function proveServing(place: Place, proving: Proving): Promise<void> {
  const { target, life, invocationBefore, sinceMs } = proving;
  const { systemd, emit, config } = place;
  const signal = AbortSignal.any([proving.signal, life.ended]);
  if (target.strategy === 'restart') await untilReady(systemd, target, { life, opened: async () => true, signal });
  else await untilAccepting(place, { ...proving, signal });
  const build = await currentBuild(target.builds);
  const { health } = target;
  const identity = health.identity && build !== null;
  const healthyForMs = health.urls.length > 0 ? health.healthyForMs : Math.max(health.healthyForMs, watchMs);
  const subject = { manager: config.manager, buildPath: join(target.builds, build ?? ''), memoryBefore: null, sinceMs };
  await passGate(
    { ...subject, target: { ...target, health: { ...health, identity, healthyForMs } }, invocationBefore },
    { systemd, emit, life, signal, transcript: [] },
  );
}

/**
 * Every program holds the descriptor that systemd hands it, also one that makes nothing of it. One that was seen to wait for
 * connections before is waited for until it does on this socket; or until it says that its port is taken.
 */
async function untilAccepting(place: Place, { target, canBeSeen, signal }: Proving): Promise<void> {
  const { systemd } = place;
  const { unit, ports, startTimeoutMs } = target;
  const what = `${unit} did not take connections from the socket of port ${ports.join(', ')}`;
  const late = new StepFailure('port_taken', `${what} within ${startTimeoutMs / 1000} s`);
  const isThere = canBeSeen ? () => isSeenWaiting(systemd, target) : () => holdsPorts(systemd, unit, ports);
  await withDeadline({ what, timeoutMs: startTimeoutMs, signal }, async (ended) => {
    const accepting = poll({ everyMs: 10, signal: ended }, async () => (await isThere()) || undefined);
    accepting.catch(() => {});
    return Promise.race([accepting, untilComplaining(place, ended)]);
  }).catch((error: unknown) => {
    throw isCutoverError(error, 'timeout') ? late : error;
  });
}

/** Never resolves; rejects once the service has said that it cannot open its port. */
async function untilComplaining(place: Place, signal: AbortSignal): Promise<never> {
  for (;;) {
    await sleep(readEveryMs, signal);
    const { systemd, target } = place;
    const invocationId = invocationIdOf(await systemd.property(target.unit, 'Unit', 'InvocationID'));
    const said = await complaintOf(place, { invocationId });
    if (said !== null) throw new StepFailure('port_taken', `the program finds port ${target.ports.join(', ')} taken`);
  }
}

/** What the program said of a port that is taken already; null: nothing of it is in the journal. */
export async function complaintOf(
  { config, target }: Pick<Place, 'config' | 'target'>,
  which: { invocationId: string } | { sinceMs: number },
): Promise<string | null> {
  const { entries } = await askJournal({ manager: config.manager, unit: target.unit, ...which, lines: 200 });
  const said = entries.find(({ message }) => takenWords.test(message));
  return said ? `it says: ${said.message.trim().slice(0, 200)}` : null;
}
