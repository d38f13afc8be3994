import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { errnoOf } from './errors.ts';

/** A pipe is not waited for. */
const unhurried = constants.O_RDONLY | constants.O_NONBLOCK;

/** What a file has to be, besides regular, to be fit for reading. */
export interface Fitness {
  /** false: a link in its place is not fit */
  isLinkFollowed?: boolean;
  mostBytes?: number;
}

/** What is there and is not to be read: a directory, a pipe, a device, a link where none belongs, or far too much. */
export class UnfitFile extends Error {
  /** as the end of a sentence about the file */
  readonly what: string;
  /** what read(2) says of a directory */
  readonly code: 'EISDIR' | undefined;

  constructor(path: string, what = 'is no regular file', code?: 'EISDIR') {
    super(`${path} ${what}`);
    this.what = what;
    this.code = code;
  }
}

/**
 * Opens a file that somebody else named, to be read. A named pipe would keep the opening waiting for a writer, on a thread that
 * nothing can end: not even the process's own end, which waits for it.
 * @throws the errno of what cannot be opened; `UnfitFile` for what is no regular file, or not as wanted
 */
export async function openRegularFile(
  path: string,
  { isLinkFollowed = true, mostBytes = Number.POSITIVE_INFINITY }: Fitness = {},
): Promise<FileHandle> {
  const flags = unhurried | (isLinkFollowed ? 0 : constants.O_NOFOLLOW);
  const file = await open(path, flags).catch((error: unknown) => {
    throw !isLinkFollowed && errnoOf(error) === 'ELOOP' ? new UnfitFile(path, 'is a link') : openError(error, path);
  });
  try {
    const facts = await file.stat();
    verifyRegular(facts, path);
    if (facts.size > mostBytes) throw tooLong(path, mostBytes);
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** The whole text of such a file. @throws as `openRegularFile` */
export async function readRegularFile(path: string, fitness: Fitness = {}): Promise<string> {
  const { mostBytes } = fitness;
  const file = await openRegularFile(path, fitness);
  try {
    if (mostBytes === undefined) return await file.readFile('utf8');
    // It may grow meanwhile.
    const bytes = await buffer(file.createReadStream({ end: mostBytes, autoClose: false }));
    if (bytes.length > mostBytes) throw tooLong(path, mostBytes);
    return bytes.toString('utf8');
  } finally {
    await file.close();
  }
}

/** The same without a turn in the thread pool. @throws as `openRegularFile` */
export function readRegularFileNow(path: string): string {
  const file = openNow(path);
  try {
    verifyRegular(fstatSync(file), path);
    return readFileSync(file, 'utf8');
  } finally {
    closeSync(file);
  }
}

function openNow(path: string): number {
  try {
    return openSync(path, unhurried);
  } catch (error) {
    throw openError(error, path);
  }
}

function openError(error: unknown, path: string): unknown {
  // A socket.
  return errnoOf(error) === 'ENXIO' ? new UnfitFile(path) : error;
}

function verifyRegular(facts: Stats, path: string): void {
  if (!facts.isFile()) throw new UnfitFile(path, undefined, facts.isDirectory() ? 'EISDIR' : undefined);
}

function tooLong(path: string, mostBytes: number): UnfitFile {
  return new UnfitFile(path, `is longer than ${mostBytes} bytes`);
}
