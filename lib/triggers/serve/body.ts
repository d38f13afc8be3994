import type { IncomingMessage } from 'node:http';

const mostBytes = 1024 * 1024;
/** All that is being received at once: a client that sends nothing takes nothing of it. */
const mostAtOnce = 64 * 1024 * 1024;

/** The body, or why there is none: longer than 1 MiB; too much is being received at once; the client went away. */
export type Body = Buffer | 'too_large' | 'busy' | 'gone';

let receiving = 0;

/** Reads a body whole, byte for byte, with a bound for itself and one for all that are being read. */
export async function readBody(incoming: IncomingMessage): Promise<Body> {
  if (Number(incoming.headers['content-length'] ?? 0) > mostBytes) return 'too_large';
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    // The connection is still needed, for the answer.
    for await (const chunk of incoming.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      receiving += chunk.length;
      if (bytes > mostBytes) return 'too_large';
      if (receiving > mostAtOnce) return 'busy';
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  } catch {
    return 'gone';
  } finally {
    receiving -= bytes;
  }
}
