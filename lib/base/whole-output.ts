import { PassThrough, Readable } from 'node:stream';
import type { FedProcess } from './exec.ts';

/**
 * What a process prints, which is given no input and ends with its reader. Its failure is an error before the end, so that nobody
 * takes a part for the whole.
 * @param failure makes the error of what it complained of
 */
export function wholeOutput(child: FedProcess, failure: (said: string) => Error): Readable {
  child.stdin.end();
  // Read from the first moment on: Node drops what nobody reads of a process that has ended.
  const printed = child.stdout.pipe(new PassThrough());
  return Readable.from(piecesOf(printed, { child, failure }), { objectMode: false });
}

async function* piecesOf(
  printed: Readable,
  { child, failure }: { child: FedProcess; failure: (said: string) => Error },
): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of printed) yield chunk as Buffer;
    const { code, stderr } = await child.ended;
    if (code !== 0) throw failure(stderr);
  } finally {
    child.kill();
  }
}
