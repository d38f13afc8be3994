import * as assert from 'uvu/assert';
import type { Mark, Sample } from '../../lib/demo/observed.ts';
import { hangLabels } from '../../lib/demo/labels.ts';
import { viewOf } from '../../lib/demo/load-view.ts';
import { endOf, windowAround } from '../../lib/demo/picture-window.ts';
import { slotsOf } from '../../lib/demo/slots.ts';
import { legend, timeline } from '../../lib/demo/timeline.ts';
import { wrap } from '../../lib/demo/wrap.ts';
import { coloursFor } from '../../lib/report/colour.ts';
import { suite } from '../suite.ts';

const test = suite('demo/timeline');
const plain = coloursFor({}, { isWanted: false, env: {} });
const coloured = coloursFor({ isTTY: true }, { isWanted: true, env: {} });

const window = { fromMs: 1_000, slotMs: 10, slots: 24, columns: 60 };
const marks: Mark[] = [
  { atMs: 1_050, label: 'stop', kind: 'forward' },
  { atMs: 1_061, label: 'free-port', kind: 'forward' },
  { atMs: 1_075, label: 'swap', kind: 'forward' },
  { atMs: 1_079, label: 'start', kind: 'forward' },
  { atMs: 1_145, label: 'proven', kind: 'good' },
];

/** A request every 5 ms; the letters say who answers, a column of 10 ms each. */
function requests(letters: string): Sample[] {
  return letters.split('').flatMap((letter, column) =>
    [0, 5].map((offset): Sample => {
      const atMs = 1_000 + column * 10 + offset;
      if (letter === '.') return { atMs, answer: 'failed', build: null, tookMs: 1 };
      if (letter === 'd') return { atMs, answer: 'failed', build: 'D', tookMs: 1 };
      return { atMs, answer: letter === 'X' ? 'wrong' : 'ok', build: letter, tookMs: 1 };
    }),
  );
}

test('draws a deploy', () => {
  const samples = requests('AAAAA.......BBBBBBBBBBBB');
  samples[10] = { atMs: 1_050, answer: 'ok', build: 'A', tookMs: 1 };
  assert.equal(timeline({ window, samples, marks }, plain), [
    '  ms           0         100       200',
    '               ┬─────────┬─────────┬───',
    '  requests     ━━━━━┅××××××━━━━━━━━━━━━',
    '  answered by  AAAAAA······BBBBBBBBBBBB',
    '  steps             │ │      └proven',
    '                    │ └swap, start',
    '                    └stop, free-port',
  ]);
});

test('tells a bad build, nobody and a stranger apart', () => {
  const lines = timeline({ window, samples: requests('BBBBB..dddd..XXXXX.BBBBB'), marks: [] }, plain);
  assert.is(lines[2], '  requests     ━━━━━××××××××?????×━━━━━');
  assert.is(lines[3], '  answered by  BBBBB··DDDD··XXXXX·BBBBB');
  assert.is(lines.length, 4);
});

test('explains the characters that are there, and no others', () => {
  const names = new Map([['X', 'a stranger']]);
  const all = { window, samples: requests('A.X'), marks: [{ atMs: 1_000, label: '↩ swap', kind: 'back' } as const] };
  assert.equal(legend(all, names, plain), [
    '━ answered',
    '× failed',
    '? answered by a stranger',
    'A build A',
    'X a stranger',
    '· nobody',
    '↩ taken back',
    'a column is 10 ms',
  ]);
  assert.equal(legend({ window, samples: requests('A'), marks: [] }, names, plain), [
    '━ answered',
    'A build A',
    'a column is 10 ms',
  ]);
});

test('is the same picture with colours', () => {
  const picture = { window, samples: requests('AAAAA..ddd..XXX.BBBBB'), marks };
  // oxlint-disable-next-line no-control-regex
  const bare = timeline(picture, coloured).map((line) => line.replaceAll(/\u001B\[\d+m/g, '').trimEnd());
  assert.equal(bare, timeline(picture, plain));
  assert.match(timeline(picture, coloured)[2] ?? '', '\u001B[31m×××××××\u001B[39m');
});

test('hangs labels so that no line crosses a text', () => {
  assert.equal(
    drawn(
      [
        [0, 'a'],
        [4, 'b'],
      ],
      20,
    ),
    ['└a  └b'],
  );
  assert.equal(
    drawn(
      [
        [0, 'long'],
        [2, 'b'],
        [3, 'c'],
      ],
      20,
    ),
    ['│ │└c', '│ └b', '└long'],
  );
  assert.equal(
    drawn(
      [
        [0, 'a'],
        [18, 'at the edge'],
      ],
      20,
    ),
    ['└a     at the edge┘'],
  );
  assert.equal(drawn([], 20), []);
});

test('fits the window into the terminal', () => {
  for (const columns of [60, 80, 120, 200]) {
    for (const lengthMs of [1, 180, 900, 5_000, 60_000]) {
      const around = windowAround([{ atMs: 10_000 }, { atMs: 10_000 + lengthMs }], columns);
      assert.ok(around.slots + 15 < columns, `${around.slots} slots in ${columns} columns`);
      assert.ok(around.fromMs < 10_000 && endOf(around) > 10_000 + lengthMs);
    }
  }
  assert.is(windowAround([{ atMs: 0 }, { atMs: 300 }], 80).slotMs, 10);
  assert.is(windowAround([{ atMs: 0 }, { atMs: 900 }], 80).slotMs, 20);
});

test('tells who had to wait from who did not', () => {
  const samples = requests('AAABBBBB').map((sample, index) => ({ ...sample, tookMs: index === 7 ? 140 : 2 }));
  const lines = timeline({ window: { ...window, slots: 8 }, samples, marks: [] }, plain);
  assert.is(lines[2], '  requests     ━━━~━━━━');
  assert.match(legend({ window, samples, marks: [] }, new Map(), plain).join(), '~ had to wait');
  assert.is(viewOf(samples, { fromMs: 1_000, toMs: 1_080 }).longest_wait_ms, 140);
  const failed = samples.map((sample): Sample => ({ ...sample, answer: 'failed' }));
  assert.is(viewOf(failed, { fromMs: 1_000, toMs: 1_080 }).longest_wait_ms, 0);
});

test('draws a column without a request like its neighbours where these agree', () => {
  const samples = requests('AAABBB').filter(({ atMs }) => atMs < 1_010 || atMs >= 1_020);
  assert.equal(
    slotsOf(samples, { ...window, slots: 3 }).map(({ build }) => build),
    ['A', 'A', 'A'],
  );
  const between = requests('AAABBB').filter(({ atMs }) => atMs < 1_020 || atMs >= 1_030);
  assert.is(slotsOf(between, { ...window, slots: 6 })[2]?.state, 'none');
});

test('counts what failed, and the longest time without a good answer', () => {
  const view = viewOf(requests('AA.AA..XXAA'), { fromMs: 1_000, toMs: 1_110 });
  assert.is(view.requests, 22);
  assert.is(view.failed, 6);
  assert.is(view.wrong, 4);
  assert.equal(view.gaps, [
    { from_ms: 15, to_ms: 30, requests: 2, first_ms: 20, last_ms: 25 },
    { from_ms: 45, to_ms: 90, requests: 8, first_ms: 50, last_ms: 85 },
  ]);
  assert.is(view.longest_gap_ms, 45);
  assert.is(viewOf(requests('AAAA'), { fromMs: 1_000, toMs: 1_040 }).longest_gap_ms, 0);
  assert.equal(viewOf(requests('A...'), { fromMs: 1_000, toMs: 1_040 }).gaps, [
    { from_ms: 5, to_ms: 40, requests: 6, first_ms: 10, last_ms: 35 },
  ]);
});

test('breaks sentences evenly and keeps a figure with its unit', () => {
  assert.equal(wrap('one two three four five', 80), ['  one two three four five']);
  assert.equal(wrap('aaaa bbbb cccc dddd', 19), ['  aaaa bbbb', '  cccc dddd']);
  assert.equal(wrap('it was closed for 94 ms', 21), ['  it was closed', '  for 94 ms']);
});

function drawn(labels: [number, string][], width: number): string[] {
  const rows = hangLabels(
    labels.map(([column, text]) => ({ column, text })),
    width,
  );
  return rows.map((cells) =>
    cells
      .map(({ char }) => char)
      .join('')
      .trimEnd(),
  );
}
