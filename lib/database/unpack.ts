import { createReadStream, createWriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { CutoverError, errnoOf, fileError } from '../base/errors.ts';

const gzipMagic = Buffer.from([0x1f, 0x8b]);
/** Slower levels win a few percent on a database, and cost minutes on a large one. */
const level = 4;

/** A deploy without a database does not wait until it is loaded. */
const zlib = () => import('node:zlib');

/** Compresses a file into a new one of mode 0600. @throws `disk`, `permission`; the signal's reason */
export async function compress(from: string, to: string, signal: AbortSignal): Promise<void> {
  const { createGzip } = await zlib();
  await carry(to, pipeline(createReadStream(from), createGzip({ level }), newFile(to), { signal }));
}

/** Writes what a file holds into a new one of mode 0600, unpacked when it is compressed. @throws `refused` when it is torn */
export async function unpack(from: string, to: string, signal: AbortSignal): Promise<void> {
  const { createGunzip } = await zlib();
  const source = createReadStream(from);
  const isPacked = (await firstBytes(from, gzipMagic.length)).equals(gzipMagic);
  const work = isPacked
    ? pipeline(source, createGunzip(), newFile(to), { signal })
    : pipeline(source, newFile(to), { signal });
  await carry(to, work).catch((error: unknown) => {
    if (!errnoOf(error)?.startsWith('Z_')) throw error;
    throw new CutoverError('refused', `${from} is damaged: ${(error as Error).message}`, { cause: error });
  });
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

async function carry(to: string, work: Promise<void>): Promise<void> {
  await work.catch((error: unknown) => {
    throw fileError(error, 'cannot write', to);
  });
}
