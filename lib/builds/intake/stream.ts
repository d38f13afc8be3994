import { createHash } from 'node:crypto';
import type { Writable } from 'node:stream';
import { CutoverError, isCutoverError } from '../../base/errors.ts';
import { type Command, type FedProcess, startFed } from '../../base/exec.ts';
import { firstLine, refusal } from './refusal.ts';

/** What an archive was compressed with; told by its first bytes, whatever its name. */
export interface Compression {
  name: string;
  /** unpacks from its input to its output; null: there is none for it */
  command: Command | null;
}

const magics: [bytes: number[], Compression][] = [
  [[0x1f, 0x8b], { name: 'gzip', command: ['gzip', '-dc'] }],
  [[0x28, 0xb5, 0x2f, 0xfd], { name: 'zstd', command: ['zstd', '-dcq'] }],
  [[0xfd, 0x37, 0x7a, 0x58, 0x5a], { name: 'xz', command: null }],
  [[0x42, 0x5a, 0x68], { name: 'bzip2', command: null }],
  [[0x50, 0x4b, 0x03, 0x04], { name: 'zip', command: null }],
];
const magicBytes = 5;

/** @returns null for what is not compressed */
export function compressionOf(head: Buffer): Compression | null {
  return magics.find(([bytes]) => bytes.every((byte, at) => head[at] === byte))?.[1] ?? null;
}

/** The received bytes: passed on, counted, and their digest taken. */
export interface Received {
  chunks: AsyncGenerator<Buffer>;
  bytes: () => number;
  /** once all have gone by, in hexadecimal */
  sha256: () => string;
}

/**
 * @param source gives pieces that are good until the next one is asked for
 * @param onBytes told after each piece, with what has come so far
 */
export function receive(source: AsyncIterable<Buffer>, onBytes: (bytes: number) => void): Received {
  const hash = createHash('sha256');
  let bytes = 0;
  async function* chunks(): AsyncGenerator<Buffer> {
    for await (const chunk of source) {
      hash.update(chunk);
      bytes += chunk.length;
      onBytes(bytes);
      yield chunk;
    }
  }
  return { chunks: chunks(), bytes: () => bytes, sha256: () => hash.digest('hex') };
}

/** Takes the first bytes off a stream, to look at them, and gives all of it. */
export async function peek(source: AsyncGenerator<Buffer>): Promise<{ head: Buffer; all: AsyncGenerator<Buffer> }> {
  let head = Buffer.alloc(0);
  while (head.length < magicBytes) {
    const { done, value } = await source.next();
    if (done) break;
    head = Buffer.concat([head, value]);
  }
  async function* all(): AsyncGenerator<Buffer> {
    if (head.length > 0) yield head;
    yield* source;
  }
  return { head, all: all() };
}

/**
 * Unpacks a stream through a program of its own, on a core of its own.
 * @throws `no_build` when the program says that the stream is damaged; `not_found` without the program
 */
export async function* decompress(
  source: AsyncGenerator<Buffer>,
  { name, command }: { name: string; command: Command },
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  // Options that the caller's surroundings give these programs are not ours.
  const program = await startFed(command, { signal, env: { LC_ALL: 'C', GZIP: '', ZSTD_NBTHREADS: '1' } });
  const feeding = feedAll(program, source).catch((error: unknown) => {
    program.kill();
    throw error;
  });
  feeding.catch(() => {});
  try {
    for await (const chunk of program.stdout) yield chunk as Buffer;
    await feeding;
    const { code, stderr } = await program.ended.catch((error: unknown) => {
      throw isCutoverError(error, 'not_found') ? notInstalled(name) : error;
    });
    signal.throwIfAborted();
    if (code !== 0) throw damaged(name, code, stderr);
  } finally {
    program.kill();
  }
}

function damaged(name: string, code: number | null, stderr: string): CutoverError {
  const line = firstLine(stderr).replace(/^gzip: stdin: |^zstd: /, '');
  const why = code === null ? ' was killed' : `: ${line || `exit ${code}`}`;
  return refusal(`the archive is damaged: ${name}${why}`, { mend: 'send it again' });
}

function notInstalled(name: string): CutoverError {
  return new CutoverError('not_found', `the archive is compressed with ${name}, which is not installed`, {
    mend: `apt-get install ${name}`,
  });
}

async function feedAll(program: FedProcess, source: AsyncGenerator<Buffer>): Promise<void> {
  for await (const chunk of source) await feed(program.stdin, chunk);
  program.stdin.end();
}

/**
 * Gives a program a piece, and waits until it is taken: the piece may be used again then. What a program that is gone is given
 * is lost; its exit tells.
 */
export function feed(stdin: Writable, chunk: Buffer): Promise<void> {
  return new Promise((resolve) => {
    if (stdin.destroyed) resolve();
    else stdin.write(chunk, () => resolve());
  });
}
