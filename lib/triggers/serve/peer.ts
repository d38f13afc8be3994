import type { IncomingMessage } from 'node:http';

const own = /^(127\.|::1$|::ffff:127\.)/;

/**
 * Whose request it is. Where a proxy on this very machine passed it on, the last address that it names is the one that
 * it saw itself; anybody else could write any address there.
 */
export function addressOf({ socket, headers }: IncomingMessage): string {
  // A socket in the file system has no address: only a proxy on this machine speaks through one.
  const peer = socket.remoteAddress ?? 'unknown';
  if (socket.remoteAddress !== undefined && !own.test(peer)) return peer;
  const last =
    String(headers['x-forwarded-for'] ?? '')
      .split(',')
      .at(-1)
      ?.trim() ?? '';
  return /^[0-9a-fA-F.:]{3,45}$/.test(last) ? last : peer;
}
