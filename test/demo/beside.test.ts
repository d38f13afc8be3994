import * as assert from 'uvu/assert';
import type { PerformedBeside } from '../../lib/demo/beside.ts';
import { besideText } from '../../lib/demo/beside-text.ts';
import type { SideDocument, SideRun } from '../../lib/demo/document.ts';
import type { Mark, Sample } from '../../lib/demo/observed.ts';
import { viewOf } from '../../lib/demo/load-view.ts';
import { slotsOf } from '../../lib/demo/slots.ts';
import { coloursFor } from '../../lib/report/colour.ts';
import { suite } from '../suite.ts';

const test = suite('demo/beside');
const plain = coloursFor({}, { isWanted: false, env: {} });
const look = { columns: 80, colours: plain, letters: new Map<string, string>() };
const window = { fromMs: 1_000, slotMs: 50, slots: 20, columns: 64 };

/** A request every 25 ms; the letters say who answers, a column of 50 ms each. */
function requests(letters: string): Sample[] {
  return letters.split('').flatMap((letter, column) =>
    [0, 25].map((offset): Sample => {
      const atMs = 1_000 + column * 50 + offset;
      const isFailed = letter === '.';
      return { atMs, answer: isFailed ? 'failed' : 'ok', build: isFailed ? null : letter, tookMs: 2 };
    }),
  );
}

function performed(restart: string, overlap: string, runs: Partial<SideRun> = {}): PerformedBeside {
  const marks: Mark[][] = [
    [{ atMs: 1_250, label: 'stop', kind: 'forward' }],
    [{ atMs: 1_300, label: 'stand-in', kind: 'forward' }],
  ];
  const pictures = [restart, overlap].map((letters, index) => ({
    window,
    samples: requests(letters),
    marks: marks[index] ?? [],
  }));
  const sides = pictures.map(({ samples }, index): SideDocument => {
    const run = { command: '', error: null, run: null };
    const bad: SideRun = { ...run, letter: 'G', outcome: 'rolled_back', exit_code: 4, as_expected: true };
    const good: SideRun = { ...run, letter: 'H', outcome: 'deployed', exit_code: 0, as_expected: true, ...runs };
    return {
      strategy: index === 0 ? 'restart' : 'overlap',
      runs: [bad, good],
      downtime_ms: 0,
      load: viewOf(samples, { fromMs: 1_000, toMs: 2_000 }),
      marks: [],
      timeline: { from_ms: 0, slot_ms: 50, slots: slotsOf(samples, window) },
    };
  });
  return { document: { title: '', as_expected: true, started_at: '', sides }, pictures };
}

test('draws both services below one time axis', () => {
  const text = besideText(performed('FFFFFF...FFFF..HHHHH', 'FFFFFFFFFFFFFHHHHHHH'), look);
  assert.equal(text.split('\n').slice(0, 18), [
    '',
    '  ms           0         500',
    '               ┬─────────┬─────────',
    '  restart',
    '  requests     ━━━━━━×××━━━━××━━━━━',
    '  answered by  FFFFFF···FFFF··HHHHH',
    '  steps             └stop',
    '',
    '  overlap',
    '  requests     ━━━━━━━━━━━━━━━━━━━━',
    '  answered by  FFFFFFFFFFFFFHHHHHHH',
    '  steps              └stand-in',
    '',
    '  ━ answered   × failed   F build F   H build H   · nobody   a column is 50 ms',
    '',
    '           G, CRASHES       H, GOOD       UNANSWERED  LONGEST GAP  LONGEST WAIT',
    '  restart  rolled back (4)  deployed (0)  10 of 40    175 ms       2 ms',
    '  overlap  rolled back (4)  deployed (0)  0 of 40     0 ms         2 ms',
  ]);
  assert.match(text, 'cost 10');
  assert.match(text.replaceAll(/\s+/g, ' '), 'not one request failed');
});

test('says so when the other one misses requests too, or a run does not end as it should', () => {
  const text = besideText(performed('FFFFFF...FFFF..HHHHH', 'FFFFFFFF.FFFFHHHHHHH'), look).replaceAll(/\s+/g, ' ');
  assert.match(text, '2 requests failed');
  assert.not.match(text, 'did not end as it should have');
  const wrong = besideText(performed('F', 'F', { as_expected: false, error: 'no bus' }), look);
  assert.match(wrong, 'restart, build H: this did not end as it should have: no bus.');
});
