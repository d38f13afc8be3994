import { readFileSync } from 'node:fs';
import type { Amount } from '../config/model.ts';
import { formatSize } from '../config/quantities.ts';
import { type Answer, fail, pass } from './check.ts';

/** S1: enough memory is available for a start (`MemAvailable`, proc_meminfo(5)). */
export async function askMemory(limit: Amount): Promise<Answer> {
  const { totalBytes, availableBytes } = parseMeminfo(readFileSync('/proc/meminfo', 'utf8'));
  const neededBytes = 'percent' in limit ? (limit.percent / 100) * totalBytes : limit.bytes;
  const observed = `${formatSize(availableBytes)} available`;
  const expected = `over ${formatSize(neededBytes)} available`;
  if (availableBytes > neededBytes) return pass(observed, expected);
  return fail(observed, expected, 'ps -eo rss,pid,args --sort=-rss | head');
}

/** Total and available memory out of the text of /proc/meminfo, which counts in KiB. */
export function parseMeminfo(text: string): { totalBytes: number; availableBytes: number } {
  const field = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1] ?? 0) * 1024;
  return { totalBytes: field('MemTotal'), availableBytes: field('MemAvailable') };
}
