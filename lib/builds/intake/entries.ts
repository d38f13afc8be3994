import { createHash, type Hash, hash } from 'node:crypto';
import { Parser, type ReadEntry } from 'tar';
import { messageOf } from '../../base/errors.ts';
import type { AcceptedEntry, EntryKind, Judge } from './judge.ts';
import { refusal } from './refusal.ts';

/** Reads the headers of a tar stream as it goes by. */
export interface EntryReader {
  /** whether the end mark was seen: what comes after it belongs to nothing */
  readonly isOver: () => boolean;
  /** the commit that `git archive` writes into the head of an archive, or null */
  readonly commit: () => string | null;
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

const emptyDigest = hash('sha256', '', 'hex');
const sparsePattern = /^\d+ GNU\.sparse/m;
const commitPattern = /^\d+ comment=([0-9a-f]{40}|[0-9a-f]{64})$/m;

/** Reads a tar stream, has every entry judged, and takes the digest of every file in passing. */
export function openEntryReader(judge: Judge): EntryReader {
  const seen: Seen = { isOver: false, commit: null, problem: null };
  const parser = openParser(judge, seen);
  const throwProblem = (): void => {
    if (seen.problem) throw seen.problem.error;
  };
  return {
    isOver: () => seen.isOver,
    commit: () => seen.commit,
    read(chunk) {
      parser.write(chunk);
      throwProblem();
    },
    end() {
      parser.end();
      throwProblem();
      if (!seen.isOver)
        throw refusal('the archive ends before its end mark: it was cut off', { mend: 'send it again' });
    },
  };
}

/** What was found so far. */
interface Seen {
  isOver: boolean;
  commit: string | null;
  /** the first thing that was wrong: thrown where it is found it would leave the parser in the middle of an entry */
  problem: { error: unknown } | null;
}

function openParser(judge: Judge, seen: Seen): Parser {
  // The parser unpacks gzip by itself, and some zstd: what is compressed was unpacked before, with limits of our own.
  const parser = new Parser({ strict: true, brotli: false, zstd: false });
  const fail = (error: unknown): void => {
    seen.problem ??= { error };
  };
  parser.on('error', (error) => fail(refusal(`the archive is damaged, or no tar archive: ${messageOf(error)}`)));
  parser.on('eof', () => {
    seen.isOver = true;
  });
  parser.on('meta', (text) => {
    if (judge.accepted.size === 0) seen.commit ??= commitPattern.exec(text)?.[1] ?? null;
    if (sparsePattern.test(text))
      fail(refusal('the archive holds a sparse file', { mend: 'pack it without --sparse' }));
  });
  parser.on('ignoredEntry', (entry) => fail(unknownEntry(entry)));
  parser.on('entry', (entry) => {
    try {
      if (!seen.problem) takeDigest(entry, judge.judge(rawEntry(entry)));
    } catch (error) {
      fail(error);
    }
    entry.resume();
  });
  return parser;
}

function rawEntry(entry: ReadEntry) {
  const { path, type, size, mode = 0, linkpath = '' } = entry;
  return { path, type, size, mode, to: linkpath, kind: kinds[type] ?? null };
}

function takeDigest(entry: ReadEntry, accepted: AcceptedEntry | null): void {
  if (accepted?.kind !== 'file') return;
  // Most files come in one piece, and an object for each would be a lot of garbage.
  let hasher: Hash | null = null;
  accepted.sha256 = emptyDigest;
  entry.on('data', (chunk: Buffer) => {
    if (chunk.length === entry.size) accepted.sha256 = hash('sha256', chunk, 'hex');
    else {
      hasher ??= createHash('sha256');
      hasher.update(chunk);
    }
  });
  entry.on('end', () => {
    if (hasher) accepted.sha256 = hasher.digest('hex');
  });
}

function unknownEntry({ path, type, meta, size }: ReadEntry): Error {
  if (meta) return refusal(`the archive has a header of ${size} bytes, which is no header any more`);
  return refusal(`the archive is refused: ${JSON.stringify(path)} is a ${type}`, {
    mend: 'pack it as a plain archive: no increments, no sparse files, one volume',
  });
}
