import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { addAbortSignal, Readable } from 'node:stream';
import { CutoverError, errnoOf, fileError } from '../base/errors.ts';
import { openController } from '../base/wait.ts';
import { type IntakeProgress, type TakenIn, takeIn } from '../builds/intake.ts';
import { compareBuildIds, createdAtOf } from '../builds/layout.ts';
import { newestBuild } from '../builds/list.ts';
import type { Place } from './place.ts';
import { sharingInSight, takenNote } from './share-data.ts';

/** What comes in, and what is said of it. */
export interface AddOptions {
  /** a path, or a stream of the archive's bytes, which is read to its end or destroyed */
  archive: string | Readable;
  /** what its digest has to be, 64 hexadecimal digits */
  sha256?: string;
  revision?: string;
  branch?: string;
  /** told often; `total` is null for a stream */
  onProgress?: (progress: IntakeProgress & { total: number | null }) => void;
  /** after so long without a byte the sender is taken for dead */
  stallMs?: number;
}

/** A build as `cutover add --json` prints it. */
export interface AddedBuild {
  id: string;
  path: string;
  revision: string | null;
  branch: string | null;
  created_at: string;
  source_sha256: string;
  files: number;
  size_bytes: number;
  notes: string[];
}

const defaultStallMs = 5 * 60_000;
/** A gigabyte and many files, on a disk that others use too; it ends what would never end. */
const diskMs = 60 * 60_000;
/** Few system calls for much data, and little memory. */
const readBytes = 256 * 1024;
/** What tar counts in. */
const blockBytes = 512;

/**
 * Takes an archive in as a new build of the target: `.tar`, `.tar.gz` or `.tar.zst`, told by its content. Takes no lock: it
 * may run beside a deploy, and inside of one. Without `paths` nothing is known of what builds share.
 * @throws `usage` for a checksum that is none; `no_build` for an archive that is not there, damaged, not to be trusted, or
 *   has another checksum; `disk`, `permission`, `refused`; the signal's reason when aborted. Nothing has changed then.
 */
export async function addBuild(
  { target, signal, paths }: Pick<Place, 'target' | 'signal'> & Partial<Pick<Place, 'paths'>>,
  options: AddOptions,
): Promise<AddedBuild> {
  const sha256 = options.sha256 === undefined ? null : sha256Of(options.sha256);
  const [revision, branch] = [lineOf('revision', options.revision), lineOf('branch', options.branch)];
  const sharing = await sharingInSight({ target, paths });
  const { source, total } = await openArchive(options.archive);
  const watch = openStallWatch(options.stallMs ?? defaultStallMs, signal);
  if (source instanceof Readable) addAbortSignal(watch.signal, source);
  try {
    const onProgress = (progress: IntakeProgress): void => options.onProgress?.({ ...progress, total });
    const intake = { source: watch.over(source), sha256, revision, branch, sharing, signal: watch.signal, onProgress };
    const taken = await takeIn(target.builds, intake);
    return addedBuild(taken, await newerThan(taken.id, target));
  } catch (error) {
    watch.signal.throwIfAborted();
    throw fileError(error, 'cannot read', nameOf(options.archive));
  } finally {
    watch.close();
    if (source instanceof Readable) source.destroy();
    else await source.return(undefined);
  }
}

/** A note where the new build is not the newest, as behind one whose name says a time that is yet to come. */
async function newerThan(id: string, { name, builds }: Place['target']): Promise<string[]> {
  const newest = await newestBuild(builds).catch(() => null);
  if (newest === null || compareBuildIds(newest, id) <= 0) return [];
  return [`${newest} is newer by its name: this one is deployed by its own alone, cutover deploy ${name} ${id}`];
}

function addedBuild({ id, path, manifest, onlyFolder, taken }: TakenIn, more: string[]): AddedBuild {
  const { revision, branch, sourceSha256, files, bytes } = manifest;
  const inFolder = `everything in it is below ${JSON.stringify(onlyFolder)}: the unit has to look for it there`;
  return {
    id,
    path,
    revision,
    branch,
    created_at: (createdAtOf(id) ?? manifest.createdAt).toISOString(),
    source_sha256: sourceSha256 ?? '',
    files,
    size_bytes: bytes,
    notes: [...(onlyFolder === null ? [] : [inFolder]), ...taken.map(takenNote(id)), ...more],
  };
}

async function openArchive(
  archive: string | Readable,
): Promise<{ source: Readable | AsyncGenerator<Buffer>; total: number | null }> {
  if (typeof archive !== 'string') return { source: archive, total: null };
  const facts = await stat(archive).catch((error: unknown) => {
    if (errnoOf(error) !== 'ENOENT' && errnoOf(error) !== 'ENOTDIR') throw fileError(error, 'cannot read', archive);
    throw new CutoverError('no_build', `there is no archive ${archive}`, { mend: `ls -l ${archive}`, cause: error });
  });
  if (facts.isDirectory()) {
    throw new CutoverError('no_build', `${archive} is a directory, not an archive`, {
      mend: `tar --create --gzip --directory ${archive} . | cutover add -`,
    });
  }
  if (facts.isFile()) return { source: piecesOf(archive), total: facts.size };
  return { source: createReadStream(archive), total: null };
}

/** The content of a file in pieces, each good until the next one is asked for: a gigabyte leaves no garbage. */
async function* piecesOf(path: string): AsyncGenerator<Buffer> {
  const file = await open(path);
  try {
    const buffer = Buffer.allocUnsafeSlow(readBytes);
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, readBytes);
      if (bytesRead === 0) return;
      // Whoever reads headers keeps what is less than a block of one: that must not be overwritten.
      yield bytesRead % blockBytes === 0 ? buffer.subarray(0, bytesRead) : Buffer.from(buffer.subarray(0, bytesRead));
    }
  } finally {
    await file.close();
  }
}

function nameOf(archive: string | Readable): string {
  return typeof archive === 'string' ? archive : 'the archive';
}

function sha256Of(text: string): string {
  if (/^[0-9a-f]{64}$/i.test(text)) return text.toLowerCase();
  throw new CutoverError('usage', `"${text}" is no SHA-256 checksum: it has 64 hexadecimal digits`, {
    mend: 'sha256sum app.tar.gz',
  });
}

function lineOf(what: string, text: string | undefined): string | null {
  if (text === undefined) return null;
  if (text.length <= 200 && !/\p{Cc}/u.test(text)) return text;
  throw new CutoverError('usage', `the ${what} is not one line of at most 200 characters`, {
    mend: 'cutover add --help',
  });
}

/** Aborts with the caller's signal, when the sender falls silent, and when the disk takes nothing any more. */
function openStallWatch(stallMs: number, outer: AbortSignal) {
  const ended = openController();
  const passOn = (): void => ended.abort(outer.reason);
  outer.addEventListener('abort', passOn, { once: true });
  if (outer.aborted) passOn();
  let timer: NodeJS.Timeout | undefined;
  const expect = (ms: number, what: string, mend: string): void => {
    clearTimeout(timer);
    const late = new CutoverError('refused', `${what} for ${ms / 1000} s: the archive is given up`, { mend });
    timer = setTimeout(() => ended.abort(late), ms);
  };
  const sender = (): void => expect(stallMs, 'nothing came', 'send it again');
  const disk = (): void => expect(diskMs, 'the disk took nothing', 'look at the disk: dmesg');
  return {
    signal: ended.signal,
    over: (source: AsyncIterable<Buffer>) => watched(source, { sender, disk }),
    close(): void {
      clearTimeout(timer);
      outer.removeEventListener('abort', passOn);
    },
  };
}

/** The same pieces, watched: the sender while one is waited for, the disk while one is worked on. */
async function* watched(
  source: AsyncIterable<Buffer>,
  { sender, disk }: { sender: () => void; disk: () => void },
): AsyncGenerator<Buffer> {
  sender();
  for await (const piece of source) {
    disk();
    yield piece;
    sender();
  }
  disk();
}
