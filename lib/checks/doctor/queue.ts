import { readFile } from 'node:fs/promises';
import { isCutoverError } from '../../base/errors.ts';
import { exec } from '../../base/exec.ts';
import type { Queue } from './patient.ts';

const timeoutMs = 5_000;

/** How long the queues of the ports are (sock_diag(7), by ss(8)), and how long any may be. @param ports none: not to be seen */
export async function lookAtQueue(ports: readonly number[]): Promise<Queue | null> {
  const [most, kernel] = await Promise.all([
    readFile('/proc/sys/net/core/somaxconn', 'utf8').catch(() => null),
    kernelQueue(ports),
  ]);
  return most === null ? null : { most: Number(most), kernel };
}

async function kernelQueue(ports: readonly number[]): Promise<number | null> {
  if (ports.length === 0) return null;
  // A machine without the program is no reason to refuse anything.
  const result = await exec(['ss', '-Hltn'], { timeoutMs }).catch((error: unknown) => {
    if (isCutoverError(error, 'not_found')) return null;
    throw error;
  });
  return shortestQueue(result?.stdout ?? '', ports);
}

/** The shortest queue among the lines of `ss -Hltn`: of a socket that listens the third column is its queue. */
export function shortestQueue(text: string, ports: readonly number[]): number | null {
  const lengths = text.split('\n').flatMap((line) => {
    const [, , length, address] = line.trim().split(/\s+/);
    const port = Number(/:(\d+)$/.exec(address ?? '')?.[1]);
    return ports.includes(port) ? [Number(length)] : [];
  });
  return lengths.length === 0 ? null : Math.min(...lengths);
}
