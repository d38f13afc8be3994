import { type FileHandle, open } from 'node:fs/promises';
import { errnoOf } from '../base/errors.ts';

/** The kernel's tables of TCP sockets, and how each writes the other end of a socket that has none. */
export const tables = [
  { file: '/proc/net/tcp', family: 'ipv4', nobody: '00000000:0000' },
  { file: '/proc/net/tcp6', family: 'ipv6', nobody: `${'0'.repeat(32)}:0000` },
] as const;

/** TCP_LISTEN, as the tables write it. */
export const listening = '0A';
/** A kernel with pages of this size hands out one at a time, however much is asked for, and no part of a line; one with larger pages cuts lines. */
const pageBytes = 4096;
const longestLineBytes = 256;

/** What was read of each table last, and when that was begun. */
const lastRead = new Map<string, { atMs: number; text: Promise<string> }>();

/**
 * The listeners of a table, each on a line.
 * @param maxAgeMs what somebody has begun to read this long ago will do
 */
export function listenersIn(file: string, maxAgeMs: number): Promise<string> {
  const last = lastRead.get(file);
  const atMs = performance.now();
  if (last && atMs - last.atMs < maxAgeMs) return last.text;
  const text = readListening(file);
  lastRead.set(file, { atMs, text });
  return text;
}

/**
 * The beginning of a table, up to the first connection: the kernel writes all listeners before it
 * (tcp_seq_start in net/ipv4/tcp_ipv4.c), and the connections may be very many.
 */
export async function readListening(file: string): Promise<string> {
  const table = await openIfThere(file);
  if (table === null) return '';
  const page = Buffer.allocUnsafe(pageBytes);
  let text = '';
  try {
    for (;;) {
      const { bytesRead } = await table.read(page, 0, pageBytes, null);
      text += page.toString('latin1', 0, bytesRead);
      // The last whole line tells where the kernel has got to.
      const whole = text.slice(0, text.lastIndexOf('\n') + 1);
      const lastLine = whole.slice(whole.lastIndexOf('\n', whole.length - 2) + 1);
      // A page with room for another line is the last: to read on would walk through all connections once more.
      if (bytesRead < pageBytes - longestLineBytes || !isListening(lastLine)) return text;
    }
  } finally {
    await table.close();
  }
}

/** A heading that stands alone says nothing yet, so it counts as one. */
function isListening(line: string): boolean {
  const state = fieldsOf(line)[3];
  return state === listening || state === 'st';
}

/** Without IPv6 in the kernel there is no table for it. */
async function openIfThere(file: string): Promise<FileHandle | null> {
  return open(file, 'r').catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return null;
    throw error;
  });
}

/** The columns of a line. */
export function fieldsOf(line: string): string[] {
  return line.trim().split(/\s+/);
}
