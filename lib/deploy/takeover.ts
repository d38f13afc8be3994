import { isCutoverError } from '../base/errors.ts';
import { poll, withDeadline } from '../base/wait.ts';
import type { TargetConfig } from '../config/model.ts';
import { isWaitingFor } from '../systemd/readiness.ts';
import { listListeners } from '../systemd/sockets.ts';
import type { Systemd } from '../systemd/systemd.ts';
import { holdsPorts } from './ports.ts';

type Service = Pick<TargetConfig, 'unit' | 'ports' | 'startTimeoutMs'>;

/** A program that does not use epoll is never seen to wait for connections: after this long it is taken to be ready. */
const unseenMs = 3_000;

/** systemd listens all the time: what has to be seen is that the service's own processes have the sockets too. */
export async function untilAdopted(
  { unit, ports, startTimeoutMs }: Service,
  systemd: Systemd,
  signal: AbortSignal,
): Promise<void> {
  const what = `${unit} did not take over the socket of port ${ports.join(', ')}`;
  await withDeadline({ what, timeoutMs: startTimeoutMs, signal }, (ended) =>
    poll({ everyMs: 5, signal: ended }, async () => (await holdsPorts(systemd, unit, ports)) || undefined),
  );
}

/**
 * Waits until a service that shares its socket with another one accepts connections itself: who answers on the port tells
 * nothing then. A service of `Type=notify` has said so by the end of its job; any other is seen to wait in epoll.
 * @param witness the other service, which is up: when it is seen to wait, the same program is waited for, too
 * @throws `timeout` when a program that could be seen is not within its start timeout
 */
export async function untilTakenOver(
  service: Service,
  systemd: Systemd,
  { witness, signal }: { witness: string; signal: AbortSignal },
): Promise<void> {
  const { unit, ports, startTimeoutMs } = service;
  await untilAdopted(service, systemd, signal);
  if ((await systemd.property(unit, 'Service', 'Type')) === 'notify') return;
  const inodes = new Set((await listListeners(ports)).map(({ inode }) => inode));
  const isWaiting = async (name: string): Promise<boolean> => isWaitingFor(inodes, await systemd.processes(name));
  const canBeSeen = await isWaiting(witness);
  const timeoutMs = canBeSeen ? startTimeoutMs : unseenMs;
  try {
    await withDeadline({ what: `${unit} did not accept connections`, timeoutMs, signal }, (ended) =>
      poll({ everyMs: 10, signal: ended }, async () => (await isWaiting(unit)) || undefined),
    );
  } catch (error) {
    signal.throwIfAborted();
    if (canBeSeen || !isCutoverError(error, 'timeout')) throw error;
  }
}
