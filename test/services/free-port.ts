import getPort from 'get-port';

/** A port of the loopback that nobody listens on; this process is not told the same one twice. */
export function freePort(): Promise<number> {
  return getPort({ host: '127.0.0.1', reserve: true });
}
