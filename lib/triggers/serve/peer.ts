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

/**
 * What is bounded together: an IPv4 address, or the /64 that an IPv6 address is in, all of which one host has for itself.
 * @param address as `addressOf` gives it; of one that is none something that is always the same
 */
export function networkOf(address: string): string {
  // An IPv4 address may be written as an IPv6 one (RFC 4291, 2.5.5.2).
  if (!address.includes(':') || address.includes('.')) return address;
  const [before = [], after = []] = address.split('::').map((part) => part.split(':').filter((group) => group !== ''));
  const left = Array.from({ length: Math.max(0, 8 - before.length - after.length) }, () => '0');
  const groups = [...before, ...left, ...after].slice(0, 4);
  return `${groups.map((group) => Number.parseInt(group, 16).toString(16)).join(':')}::/64`;
}
