import getPort, { portNumbers } from 'get-port';

/**
 * A port of the loopback that nobody listens on; this process is not told the same one twice. It is none of those that the
 * kernel gives by itself, so nobody takes it by chance before it is used.
 */
export function freePort(): Promise<number> {
  const from = 10_000 + Math.floor(Math.random() * 20_000);
  return getPort({ host: '127.0.0.1', reserve: true, port: portNumbers(from, from + 1_000) });
}
