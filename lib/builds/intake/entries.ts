import { createHash } from 'node:crypto';
import { Parser, type ReadEntry } from 'tar';
import { messageOf } from '../../base/errors.ts';
import type { AcceptedEntry, EntryKind, Judge } from './judge.ts';
import { refusal } from './refusal.ts';

/** Reads the headers of a tar stream as it goes by. */
export interface EntryReader {
  /** whether the end mark was seen: what comes after it belongs to nothing */
  readonly isOver: () => boolean;
  /** @throws `no_build` before the caller may do anything with the chunk */
  read(chunk: Buffer): void;
  /** @throws `no_build` when the stream ended before its end mark */
  end(): void;
}

const kinds: Record<string, EntryKind> = {
  File: 'file',
  OldFile: 'file',
  ContiguousFile: 'file',
  Directory: 'directory',
  SymbolicLink: 'link',
  Link: 'hardlink',
};

/** Reads a tar stream, has every entry judged, and takes the digest of every file in passing. */
export function openEntryReader(judge: Judge): EntryReader {
  // The parser unpacks gzip by itself, and some zstd: what is compressed was unpacked before, with limits of our own.
  const parser = new Parser({ strict: true, brotli: false, zstd: false });
  let isOver = false;
  let problem: unknown;
  const fail = (error: unknown): void => {
    problem ??= error;
  };
  parser.on('error', (error) => fail(refusal(`the archive is damaged, or no tar archive: ${messageOf(error)}`)));
  parser.on('eof', () => {
    isOver = true;
  });
  parser.on('meta', (text) => {
    if (/^\d+ GNU\.sparse/m.test(text))
      fail(refusal('the archive holds a sparse file', { mend: 'pack it without --sparse' }));
  });
  parser.on('ignoredEntry', (entry) => fail(unknownEntry(entry)));
  parser.on('entry', (entry) => {
    try {
      if (problem === undefined) takeDigest(entry, judge.judge(rawEntry(entry)));
    } catch (error) {
      // Thrown here it would leave the parser in the middle of an entry.
      fail(error);
    }
    entry.resume();
  });
  const throwProblem = (): void => {
    if (problem !== undefined) throw problem;
  };
  return {
    isOver: () => isOver,
    read(chunk) {
      parser.write(chunk);
      throwProblem();
    },
    end() {
      parser.end();
      throwProblem();
      if (!isOver) throw refusal('the archive ends before its end mark: it was cut off', { mend: 'send it again' });
    },
  };
}

function rawEntry(entry: ReadEntry) {
  const { path, type, size, mode = 0, linkpath = '' } = entry;
  return { path, type, size, mode, to: linkpath, kind: kinds[type] ?? null };
}

function takeDigest(entry: ReadEntry, accepted: AcceptedEntry | null): void {
  if (accepted?.kind !== 'file') return;
  const hash = createHash('sha256');
  entry.on('data', (chunk: Buffer) => void hash.update(chunk));
  entry.on('end', () => {
    accepted.sha256 = hash.digest('hex');
  });
}

function unknownEntry({ path, type, meta, size }: ReadEntry): Error {
  if (meta) return refusal(`the archive has a header of ${size} bytes, which is no header any more`);
  return refusal(`the archive is refused: ${JSON.stringify(path)} is a ${type}`, {
    mend: 'pack it as a plain archive: no increments, no sparse files, one volume',
  });
}
