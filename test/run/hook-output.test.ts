import * as assert from 'uvu/assert';
import { hookOutput } from '../../lib/run/hook-output.ts';
import { suite } from '../suite.ts';

const test = suite('run/hook-output');

function told(lines: Iterable<string>, redact = (text: string) => text): string[] {
  const seen: string[] = [];
  const output = hookOutput((line) => seen.push(line), redact);
  for (const line of lines) output.take(line);
  output.end();
  return seen;
}

test('P5: tells every line of what is not much', () => {
  assert.equal(told(['one', '', 'two']), ['one', '', 'two']);
});

test('P5: of a flood the begin and the end are told, and how much is left out', () => {
  const line = 'x'.repeat(99);
  const count = 1_000_000;
  const before = process.memoryUsage().heapUsed;
  const seen = told(
    (function* flood() {
      for (let number = 0; number < count; number += 1) yield `${number} ${line}`.slice(0, 99);
    })(),
  );
  assert.ok(process.memoryUsage().heapUsed - before < 64 * 1024 * 1024, 'memory');
  const length = seen.reduce((sum, text) => sum + text.length + 1, 0);
  assert.ok(length < 1024 * 1024, `${length} characters`);
  const marks = seen.filter((text) => text.startsWith('…'));
  assert.is(marks.length, 2);
  const leftOut = Number(/… (\d+) lines/.exec(marks[1] ?? '')?.[1]);
  assert.is(leftOut + seen.length - marks.length, count, 'every line is told or counted');
  assert.match(seen[0] ?? '', /^0 x/);
  assert.match(seen.at(-1) ?? '', /^999999 x/);
});

test('W4: takes secrets out of what comes first and of what comes last', () => {
  const flood = [...Array.from({ length: 9000 }, () => 'y'.repeat(99)), 'my secret'];
  const seen = told(['a secret', ...flood], (text) => text.replace('secret', '[redacted]'));
  assert.equal([seen[0], seen.at(-1)], ['a [redacted]', 'my [redacted]']);
});
