import { once } from 'node:events';
import { connect } from 'node:net';
import { errnoOf, messageOf } from '../../base/errors.ts';
import { shellWord } from '../../base/shell-words.ts';
import { deadlineSignal } from '../../base/wait.ts';
import type { TcpOptions } from '../../config/check-options.ts';
import { fail, pass } from '../check.ts';
import type { Kind } from './kind.ts';
import { isOwnPort } from './own-port.ts';

/** B4: a port accepts a connection. */
export const tcpKind: Kind<TcpOptions> = {
  async ask({ host, port, timeoutMs }, { signal }) {
    const expected = `${host} port ${port} accepts`;
    const mend = `nc -vz ${shellWord(host)} ${port}; ss -ltn 'sport = :${port}'`;
    const began = performance.now();
    const deadline = deadlineSignal(timeoutMs);
    const socket = connect({ host, port });
    try {
      await once(socket, 'connect', { signal: AbortSignal.any([deadline, signal]) });
      return pass(`accepted in ${Math.round(performance.now() - began)} ms`, expected);
    } catch (error) {
      signal.throwIfAborted();
      return fail(deadline.aborted ? `no answer within ${timeoutMs / 1000} s` : describe(error), expected, mend);
    } finally {
      // A late failure has nobody left to tell.
      socket.on('error', () => {}).destroy();
    }
  },
  isAboutService: ({ host, port }, target) => isOwnPort(host, port, target),
  mayComeUp: true,
};

function describe(error: unknown): string {
  const known: Record<string, string> = {
    ECONNREFUSED: 'connection refused',
    ENOTFOUND: 'no such host',
    EHOSTUNREACH: 'no route to the host',
  };
  return known[errnoOf(error) ?? ''] ?? messageOf(error);
}
