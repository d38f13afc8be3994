import { CutoverError } from './errors.ts';

/**
 * Ports of the loopback that nobody listens on. Another program may take one before it is used: whoever needs it sees that.
 * @throws `failed` when the machine has none left
 */
export async function freePorts(count: number): Promise<number[]> {
  const { default: getPort } = await import('get-port');
  const ports = await Promise.all(Array.from({ length: count }, () => getPort({ host: '127.0.0.1', reserve: true })));
  if (new Set(ports).size === count) return ports;
  throw new CutoverError('failed', `there are no ${count} free ports`, { mend: 'ss -tan' });
}
