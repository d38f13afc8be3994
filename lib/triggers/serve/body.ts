import type { IncomingMessage } from 'node:http';
import { addressOf, networkOf } from './peer.ts';

const mostBytes = 1024 * 1024;
/** All that is being received at once: a client that sends nothing takes nothing of it. */
const mostAtOnce = 64 * 1024 * 1024;
/** So much of it for one network: nobody alone keeps the others out. */
const mostOfOne = 8 * 1024 * 1024;

/** The body, or why there is none: longer than 1 MiB; too much is being received at once, of all or of its network; the client went away. */
export type Body = Buffer | 'too_large' | 'busy' | 'gone';

const receiving = { all: 0, of: new Map<string, number>() };

/** Reads a body whole, byte for byte, with a bound for itself, one for its network and one for all that are being read. */
export async function readBody(incoming: IncomingMessage): Promise<Body> {
  if (Number(incoming.headers['content-length'] ?? 0) > mostBytes) return 'too_large';
  const from = networkOf(addressOf(incoming));
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    // The connection is still needed, for the answer.
    for await (const chunk of incoming.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      note(from, chunk.length);
      if (bytes > mostBytes) return 'too_large';
      if (receiving.all > mostAtOnce || (receiving.of.get(from) ?? 0) > mostOfOne) return 'busy';
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  } catch {
    return 'gone';
  } finally {
    note(from, -bytes);
  }
}

function note(from: string, bytes: number): void {
  const held = (receiving.of.get(from) ?? 0) + bytes;
  receiving.all += bytes;
  if (held === 0) receiving.of.delete(from);
  else receiving.of.set(from, held);
}
