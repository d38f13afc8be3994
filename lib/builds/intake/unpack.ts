import type { Command } from '../../base/exec.ts';
import { type EntryReader, openEntryReader } from './entries.ts';
import type { IncomingFolder } from './incoming.ts';
import { type AcceptedEntry, Judge, verifySize } from './judge.ts';
import { intakeLimits } from './limits.ts';
import { complaint, firstLine, refusal } from './refusal.ts';
import { compressionOf, decompress, feed, peek, receive } from './stream.ts';

/** How far an intake is. */
export interface IntakeProgress {
  /** of the archive, as it is received */
  bytes: number;
  entries: number;
}

/** What was in an archive. */
export interface Unpacked {
  /** of the archive as it was received, in hexadecimal */
  sha256: string;
  accepted: ReadonlyMap<string, AcceptedEntry>;
  /** folders that no entry was about, only the path of others */
  implied: ReadonlySet<string>;
  /** names of ours that the archive had files for */
  replaced: ReadonlySet<string>;
  isUnreadable: boolean;
  /** the commit that the archive itself names */
  commit: string | null;
}

export interface UnpackOptions {
  signal: AbortSignal;
  /** unpacked bytes that the disk has room for */
  room: number;
  onProgress: (progress: IntakeProgress) => void;
}

/**
 * Unpacks an archive into a folder in one pass. Each piece is read here first: its headers are judged before GNU tar, which
 * unpacks, gets to see it. Two programs that read the same bytes: `verifyTree` sees to it that they read the same in them.
 * @param source the archive's bytes
 * @throws `no_build` for what is damaged or not to be trusted; `disk`, `permission`; the signal's reason when aborted.
 *   The folder holds anything then.
 */
export async function unpack(
  source: AsyncIterable<Buffer>,
  folder: IncomingFolder,
  options: UnpackOptions,
): Promise<Unpacked> {
  const { signal, room, onProgress } = options;
  const judge = new Judge(intakeLimits, room);
  const received = receive(source, (bytes) => onProgress({ bytes, entries: judge.accepted.size }));
  const { head, all } = await peek(received.chunks);
  if (head.length === 0) throw refusal('the archive is empty', { mend: 'send it again' });
  const compression = compressionOf(head);
  const plain = compression ? decompressed(all, compression, signal) : all;
  const limited = withinLimits(plain, { isCompressed: compression !== null, received: received.bytes, room });
  const reader = openEntryReader(judge);
  await carryThrough(limited, { folder, signal, reader });
  // What stands behind a compressed stream belongs to the archive as it was received.
  for await (const _ of received.chunks);
  const { accepted, implied, replaced, isUnreadable } = judge;
  if ([...accepted.values()].every(({ kind }) => kind === 'directory')) {
    throw refusal('the archive holds no file', { mend: 'see what tar --list says' });
  }
  return { sha256: received.sha256(), accepted, implied, replaced, isUnreadable, commit: reader.commit() };
}

function decompressed(
  all: AsyncGenerator<Buffer>,
  { name, command }: { name: string; command: Command | null },
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  if (command) return decompress(all, { name, command }, signal);
  throw refusal(`the archive is compressed with ${name}; taken in are .tar, .tar.gz and .tar.zst`, {
    mend: 'tar --create --zstd --file app.tar.zst …',
  });
}

/** Ends a bomb: what unpacks to far more than it should is nobody's build. */
async function* withinLimits(
  plain: AsyncGenerator<Buffer>,
  { isCompressed, received, room }: { isCompressed: boolean; received: () => number; room: number },
): AsyncGenerator<Buffer> {
  let bytes = 0;
  const { head, all } = await peek(plain);
  // The reader of headers would unpack it once more, by itself and without these limits.
  if (compressionOf(head)) throw refusal('the archive is compressed twice');
  for await (const chunk of all) {
    bytes += chunk.length;
    // Headers, padding and what stands behind the end mark take no room of their own.
    verifySize(bytes, { limit: intakeLimits.bytes * 2, room: room * 2 });
    if (isCompressed && bytes > intakeLimits.ratioFrom && bytes > received() * intakeLimits.ratio) {
      throw refusal(`the archive is refused: it unpacks to more than ${intakeLimits.ratio} times its size`);
    }
    yield chunk;
  }
}

async function carryThrough(
  plain: AsyncGenerator<Buffer>,
  { folder, signal, reader }: { folder: IncomingFolder; signal: AbortSignal; reader: EntryReader },
): Promise<void> {
  const tar = await folder.owner.startFed(tarCommand(folder), { signal, env: { LC_ALL: 'C', TAR_OPTIONS: '' } });
  tar.stdout.resume();
  try {
    for await (const chunk of plain) {
      const wasOver = reader.isOver();
      if (!wasOver) reader.read(chunk);
      if (!wasOver) await feed(tar.stdin, chunk);
      signal.throwIfAborted();
    }
    reader.end();
    tar.stdin.end();
    const { code, stderr } = await tar.ended;
    signal.throwIfAborted();
    if (code !== 0) throw tarProblem(stderr, folder.path);
  } finally {
    tar.kill();
    // A folder that somebody still writes into cannot be removed.
    await tar.ended.catch(() => {});
  }
}

/**
 * With a umask, since that is how tar drops setuid, setgid, sticky and the right of everybody to write. The shell's text
 * is this one; what varies are its arguments.
 */
function tarCommand({ path }: IncomingFolder): Command {
  // Records of 64 K: by default it asks for 10 K at a time.
  const options = [
    '--blocking-factor=128',
    '--no-same-owner',
    '--no-same-permissions',
    '--keep-old-files',
    '--directory',
    path,
  ];
  return ['sh', '-c', 'umask 002; exec "$@"', 'sh', 'tar', '--extract', '--file', '-', ...options];
}

function tarProblem(stderr: string, path: string): Error {
  if (/No space|quota|denied|permitted|Read-only/.test(stderr)) return complaint(stderr, 'cannot unpack into', path);
  return refusal(`the archive is damaged: GNU tar says ${JSON.stringify(firstLine(stderr).replace(/^tar: /, ''))}`);
}
