import * as assert from 'uvu/assert';
import { gzipSync } from 'node:zlib';
import { type AcceptedEntry, Judge, type RawEntry } from '../../../lib/builds/intake/judge.ts';
import { type IntakeLimits, intakeLimits } from '../../../lib/builds/intake/limits.ts';
import { suite } from '../../suite.ts';
import { rejection } from '../directory.ts';
import { compressions, tarOf } from './archive.ts';
import { assertUntouched, makeTaking } from './taking.ts';

const test = suite('builds/intake/limits');

const huge = Number.MAX_SAFE_INTEGER;
const entry = (path: string, more: Partial<RawEntry> = {}): RawEntry => ({
  path,
  kind: 'file',
  type: 'File',
  size: 0,
  mode: 0o644,
  to: '',
  ...more,
});

test('P1: every limit holds to the last one, and is told', () => {
  const limits: IntakeLimits = { ...intakeLimits, entries: 3, bytes: 100, pathBytes: 20, depth: 3 };
  const cases: [RawEntry[], RegExp | null][] = [
    [[entry('a'), entry('b'), entry('c')], null],
    [[entry('a'), entry('b'), entry('c'), entry('d')], /more than 3 entries/],
    [[entry('a/b/c')], null],
    [[entry('a/b/c'), entry('a/b')], /is there twice/],
    [[entry('a/b'), entry('c/d')], /more than 3 entries/],
    [[entry('a', { size: 60 }), entry('b', { size: 40 })], null],
    [[entry('a', { size: 60 }), entry('b', { size: 41 })], /unpacks to more than 100 bytes/],
    [[entry('a/b/c/d')], /more than 3 folders deep/],
    [[entry('x'.repeat(20))], null],
    [[entry('x'.repeat(21))], /path of more than 20 bytes/],
    [[entry('ß'.repeat(11))], /path of more than 20 bytes/],
    [[entry('l', { kind: 'link', to: 'x'.repeat(21) })], /leads to a path of more than 20 bytes/],
  ];
  for (const [entries, message] of cases) {
    const said = outcomeOf(new Judge(limits, huge), entries);
    if (message) assert.match(said ?? '', message);
    else assert.is(said, null);
  }
});

test('W3: what the disk cannot hold is refused before any of it is written', () => {
  const judge = new Judge(intakeLimits, 1000);
  assert.is(outcomeOf(judge, [entry('a', { size: 1000 })]), null);
  assert.match(
    outcomeOf(judge, [entry('b', { size: 1 })]) ?? '',
    /more than 1000 bytes, which is all that the disk can spare/,
  );
});

test('P1: a quarter of a million entries are judged in little time and memory', () => {
  const judge = new Judge(intakeLimits, huge);
  const began = performance.now();
  const before = process.memoryUsage().heapUsed;
  const accepted: (AcceptedEntry | null)[] = [];
  for (let at = 0; at < intakeLimits.entries - 1000; at += 1)
    accepted.push(judge.judge(entry(`folder${at % 900}/file${at}`)));
  const tookMs = performance.now() - began;
  const bytes = process.memoryUsage().heapUsed - before;
  console.log(`${tookMs.toFixed(0)} ms, ${(bytes / 2 ** 20).toFixed(0)} MB`);
  assert.ok(tookMs < 20_000, `${tookMs} ms`);
  assert.ok(bytes < 120 * 2 ** 20, `${bytes} bytes`);
});

test(
  'P1: a bomb ends before it does harm',
  async (t) => {
    const taking = await makeTaking(t);
    const before = await taking.look();
    // A header that says 20 GB, and zeros: 1 MB of gzip for each GB, zstd some 30 times less.
    const head = tarOf({ name: 'zeros', body: '', size: 20 * 2 ** 30 }).subarray(0, 512);
    const zeros = Buffer.alloc(32 * 2 ** 20);
    const member = gzipSync(zeros);
    const gzip = Buffer.concat([gzipSync(head), ...Array.from({ length: 40 }, () => member)]);
    const zstd = Buffer.concat([
      await (compressions.zstd as (archive: Buffer) => Promise<Buffer>)(head),
      ...(await Promise.all(Array.from({ length: 40 }, () => zstdOf(zeros)))),
    ]);
    for (const bomb of [gzip, zstd]) {
      // That it ended before its end: whoever unpacked it all would find it cut off.
      const error = await rejection(taking.add(bomb));
      assert.match(error.message, /unpacks to more than 500 times its size|is all that the disk can spare/);
      await assertUntouched(taking, before);
    }
  },
  { timeoutMs: 120_000 },
);

let packed: Promise<Buffer> | undefined;

function zstdOf(zeros: Buffer): Promise<Buffer> {
  packed ??= (compressions.zstd as (archive: Buffer) => Promise<Buffer>)(zeros);
  return packed;
}

function outcomeOf(judge: Judge, entries: RawEntry[]): string | null {
  try {
    for (const one of entries) judge.judge(one);
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}
