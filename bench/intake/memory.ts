import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { sleep } from '../process.ts';

const everyMs = 5;

/** The most that a command and all that it started held at one time, in bytes; shared pages are counted once. */
export async function peakOf([file = '', ...args]: readonly string[]): Promise<number> {
  const child = spawn(file, args, { stdio: 'ignore' });
  const exited = once(child, 'exit');
  let peak = 0;
  while (child.exitCode === null && child.signalCode === null) {
    peak = Math.max(peak, treeBytes(child.pid ?? 0));
    await sleep(everyMs);
  }
  const [code] = (await exited) as [number | null];
  if (code !== 0) throw new Error(`${file} ${args.join(' ')} exited with ${code}`);
  return peak;
}

function treeBytes(pid: number): number {
  return [pid, ...childrenOf(pid)].reduce((sum, one) => sum + ownBytes(one), 0);
}

function childrenOf(pid: number): number[] {
  const direct = read(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean).map(Number);
  return direct.flatMap((child) => [child, ...childrenOf(child)]);
}

/** The proportional size: what several processes share is divided among them. */
function ownBytes(pid: number): number {
  const [, kilobytes = '0'] = /^Pss: +(\d+) kB$/m.exec(read(`/proc/${pid}/smaps_rollup`)) ?? [];
  return Number(kilobytes) * 1024;
}

/** A process may end between two looks. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
