import { createReadStream, createWriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { CutoverError, errnoOf, fileError } from '../base/errors.ts';
import { shellLine } from '../base/shell-words.ts';
import { openController } from '../base/wait.ts';
import { type Patience, runProgram } from '../stores/program.ts';

const gzipMagic = Buffer.from([0x1f, 0x8b]);
const zstdMagic = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);
/** Slower levels win a few percent on a database, and cost minutes on a large one. */
const level = 4;

/** A deploy without a database does not wait until it is loaded. */
const zlib = () => import('node:zlib');

/** Compresses a file into a new one of mode 0600. @throws `disk`, `permission`; the signal's reason */
export async function compress(from: string, to: string, signal: AbortSignal): Promise<void> {
  const { createGzip } = await zlib();
  const work = pipeline(createReadStream(from), createGzip({ level }), newFile(to), { signal });
  await carry(to, work, signal);
}

/**
 * Writes what a file holds into a new one of mode 0600: unpacked when it is compressed with gzip or zstd, whatever its name.
 * @throws `refused` when it is torn, or there is no zstd; `disk`, `permission`; the signal's reason
 */
export async function unpack(
  from: string,
  to: string,
  { timeoutMs, signal = openController().signal }: Patience,
): Promise<void> {
  const packing = await packingOf(from);
  if (packing === 'zstd') {
    // Node 20 knows no zstd.
    const command = ['zstd', '--decompress', '--quiet', '-o', to, '--', from] as const;
    await runProgram(from, command, { from: 'zstd', timeoutMs, signal });
    return;
  }
  const source = createReadStream(from);
  const unpacking = packing === 'gzip' ? [(await zlib()).createGunzip()] : [];
  const work = pipeline([source, ...unpacking, newFile(to)], { signal });
  await carry(to, work, signal).catch((error: unknown) => {
    if (!errnoOf(error)?.startsWith('Z_')) throw error;
    const message = `${from} is damaged: ${(error as Error).message}`;
    throw new CutoverError('refused', message, { mend: shellLine(['ls', '-lt', dirname(from)]), cause: error });
  });
}

/** By its first bytes: a name may lie. */
export async function packingOf(path: string): Promise<'gzip' | 'zstd' | null> {
  const bytes = await firstBytes(path, zstdMagic.length);
  if (bytes.equals(zstdMagic)) return 'zstd';
  return bytes.subarray(0, gzipMagic.length).equals(gzipMagic) ? 'gzip' : null;
}

/** The first bytes of a file; fewer when it is shorter. @throws `permission`, `refused` */
export async function firstBytes(path: string, count: number): Promise<Buffer> {
  const file = await open(path, 'r').catch((error: unknown) => {
    const known = fileError(error, 'cannot read', path);
    throw known === error ? new CutoverError('refused', `cannot read ${path}`, { mend: `ls -l ${path}` }) : known;
  });
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(count), 0, count, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

function newFile(path: string): NodeJS.WritableStream {
  return createWriteStream(path, { flags: 'wx', mode: 0o600 });
}

async function carry(to: string, work: Promise<void>, signal: AbortSignal): Promise<void> {
  await work.catch((error: unknown) => {
    // A pipeline that is aborted tells only that it was, and not why.
    signal.throwIfAborted();
    throw fileError(error, 'cannot write', to);
  });
}
