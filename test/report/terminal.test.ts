import { stripVTControlCharacters } from 'node:util';
import * as assert from 'uvu/assert';
import type { CheckAnswer } from '../../lib/checks/check.ts';
import { coloursFor } from '../../lib/report/colour.ts';
import { checkLines, type TerminalOptions, terminalListener } from '../../lib/report/terminal.ts';
import { columns, historyText, reportText } from '../../lib/report/text.ts';
import type { RunEvent } from '../../lib/run/events.ts';
import { documentWith, gateFailure, inputsOf, newer, older } from '../run/samples.ts';
import { suite } from '../suite.ts';

const test = suite('report/terminal');
const plain = coloursFor({}, { isWanted: false, env: {} });
const coloured = coloursFor({ isTTY: true }, { isWanted: true, env: {} });
const run = '20260203-151120-4f2a';
const passed: CheckAnswer = { name: 'port', status: 'pass', observed: 'free', expected: 'free', mend: null };
const failed: CheckAnswer = {
  name: 'disk',
  status: 'fail',
  observed: '93 % used',
  expected: 'under 80 %',
  mend: 'df -h',
};

/** All that a run may tell. */
const story: RunEvent[] = [
  { type: 'waiting', message: 'another run holds the target' },
  { type: 'check', answer: passed },
  { type: 'check', answer: failed },
  { type: 'checked', safe: false, forced: true },
  { type: 'begin', inputs: inputsOf(run) },
  { type: 'step', name: 'stop', state: 'begun', durationMs: 0 },
  { type: 'step', name: 'stop', state: 'done', durationMs: 40 },
  { type: 'step', name: 'gate', state: 'begun', durationMs: 0 },
  { type: 'attempt', number: 1, of: 10, problem: 'connection refused', observed: 'connection refused' },
  { type: 'attempt', number: 2, of: 10, problem: 'answered 500', observed: '500' },
  { type: 'attempt', number: 3, of: 10, problem: null, observed: '200' },
  { type: 'step', name: 'gate', state: 'failed', durationMs: 3_100, message: 'answered 500' },
  { type: 'journal', lines: ['one', 'two'] },
  { type: 'journal', lines: [] },
  { type: 'going_back', from: older, to: older, isOneWay: false, failure: gateFailure },
  { type: 'note', message: 'a note' },
  { type: 'step', name: 'stop', state: 'reverting', durationMs: 0 },
  { type: 'step', name: 'stop', state: 'reverted', durationMs: 5 },
  { type: 'step', name: 'swap', state: 'revert_failed', durationMs: 5, message: 'no' },
  {
    type: 'outcome',
    document: documentWith({ outcome: 'rolled_back', active: older, failure: { ...gateFailure, evidence: '/e' } }),
  },
];

function tell(options: Partial<TerminalOptions> = {}, events = story): string {
  let text = '';
  const listener = terminalListener({
    write: (more) => (text += more),
    colours: plain,
    isLive: false,
    level: 'normal',
    manager: 'system',
    ...options,
  });
  for (const event of events) listener(event);
  return text;
}

test('S11: a run is told line by line', () => {
  assert.equal(tell().split('\n'), [
    '  waiting: another run holds the target',
    '  ✓ port            free',
    '  ✗ disk            93 % used (expected: under 80 %)',
    '                    -> df -h',
    '  going on although checks failed: --force',
    `deploy ${older} -> ${newer}`,
    '  ✓ stop            40 ms',
    '    attempt 2 of 10: answered 500',
    '  ✗ gate            3.1 s: answered 500',
    '  the unit wrote:',
    '    | one',
    '    | two',
    `  going back to ${older}`,
    '  note: a note',
    '  ↩ stop            taken back, 5 ms',
    '  ✗ swap            NOT taken back, 5 ms: no',
    `${newer} failed: answered 500; shop is back on ${older}, verified healthy, in 812 ms; the port was closed for 301 ms`,
    '  evidence: /e',
    `  -> cutover report shop ${run}`,
    `  -> cutover logs shop ${run}`,
    '',
  ]);
});

test('S11: quiet is the end alone, verbose is every attempt', () => {
  const quiet = tell({ level: 'quiet' });
  assert.is(quiet, tell().slice(tell().indexOf(`${newer} failed`)));
  const verbose = tell({ level: 'verbose' });
  for (const text of ['attempt 1 of 10: connection refused', 'attempt 2 of 10: answered 500', 'attempt 3 of 10: 200'])
    assert.match(verbose, text);
});

test('S11: a note is told once; verbose, and so the log, has each', () => {
  const note: RunEvent = { type: 'note', message: 'not measured' };
  const events: RunEvent[] = [note, { ...note, message: 'another' }, note];
  assert.is(tell({}, events), '  note: not measured\n  note: another\n');
  assert.is(tell({ level: 'verbose' }, events), '  note: not measured\n  note: another\n  note: not measured\n');
});

test('S11: without colours there is no control character, with them only they differ', () => {
  for (const level of ['quiet', 'normal', 'verbose'] as const) {
    assert.is(stripVTControlCharacters(tell({ level })), tell({ level }));
    const painted = tell({ level, colours: coloured });
    assert.is.not(painted, tell({ level }));
    assert.is(stripVTControlCharacters(painted), tell({ level }));
  }
});

test('S11: on a terminal the step at work has a line that its end replaces', () => {
  const events = story.filter(({ type }) => type === 'step' || type === 'attempt');
  const live = tell({ isLive: true }, events);
  assert.ok(live.startsWith('  … stop\r\u001B[K  ✓ stop            40 ms\n  … gate\r\u001B[K    attempt 2'), live);
  assert.match(live, '  … stop (back)\r\u001B[K  ↩ stop            taken back, 5 ms\n');
  const rows = live.split('\n').map((line) => line.slice(line.lastIndexOf('\u001B[K') + 1).replace('[K', ''));
  assert.equal(rows, tell({}, events).split('\n'));
  assert.is(tell({ isLive: true, level: 'quiet' }, events), '');
});

test('S2: a first deploy comes from nothing and goes back to nothing', () => {
  const text = tell({}, [
    { type: 'begin', inputs: inputsOf(run, { from: null }) },
    { type: 'going_back', from: null, to: null, isOneWay: false, failure: gateFailure },
  ]);
  assert.is(text, `deploy (nothing) -> ${newer}\n  going back to nothing: there was no build before\n`);
  const unwell = tell({}, [{ type: 'going_back', from: newer, to: null, isOneWay: true, failure: gateFailure }]);
  assert.is(unwell, `  there is no way back: ${newer} was not healthy when this began, so what was done stays\n`);
});

test('S11: colours are for terminals of people who want them', () => {
  const wanted = { isWanted: true, env: {} };
  const cases: [{ isTTY?: boolean }, Parameters<typeof coloursFor>[1], boolean][] = [
    [{ isTTY: true }, wanted, true],
    [{}, wanted, false],
    [{ isTTY: false }, wanted, false],
    [{ isTTY: true }, { ...wanted, isWanted: false }, false],
    [{ isTTY: true }, { ...wanted, env: { NO_COLOR: '1' } }, false],
    [{ isTTY: true }, { ...wanted, env: { NO_COLOR: '' } }, true],
    [{ isTTY: true }, { ...wanted, env: { TERM: 'dumb' } }, false],
    [{ isTTY: true }, { ...wanted, env: { TERM: 'xterm' } }, true],
  ];
  for (const [stream, options, expected] of cases)
    assert.is(coloursFor(stream, options).isColorSupported, expected, JSON.stringify([stream, options]));
});

test('S1: a good check is one line, any other says what should be and what to type', () => {
  assert.equal(checkLines(passed, plain), ['  ✓ port            free']);
  const warned = checkLines({ ...failed, status: 'warn' }, plain);
  assert.equal(warned, ['  ! disk            93 % used (expected: under 80 %)', '                    -> df -h']);
  assert.is(checkLines({ ...failed, mend: null }, plain).length, 1);
});

test('S11: columns are as wide as their widest cell, and no line ends in spaces', () => {
  const text = columns([
    ['ID', 'STATE', 'SIZE'],
    ['a', 'quarantined', ''],
    ['longer', '', '1M'],
  ]);
  assert.equal(text.split('\n'), ['ID      STATE        SIZE', 'a       quarantined', 'longer               1M']);
  assert.is(columns([]), '');
});

test('S11: the history is a line a run, a report is one run in full', () => {
  assert.is(historyText([]), 'no runs yet');
  const back = documentWith({
    outcome: 'rolled_back',
    active: older,
    failure: gateFailure,
    downtime_ms: null,
    steps: [{ name: 'gate', status: 'failed', duration_ms: 3_100 }],
    checks: [passed],
  });
  const first = documentWith({ from: null });
  const [head, one, two] = historyText([back, first]).split('\n');
  assert.match(head ?? '', /^RUN +KIND +OUTCOME +FROM +TO +TOOK +DOWN +REASON$/);
  assert.match(one ?? '', new RegExp(`^${run} +deploy +rolled_back +${older} +${newer} +812 ms +- +gate: health$`));
  assert.match(two ?? '', new RegExp(`^${run} +deploy +deployed +- +${newer} +812 ms +301 ms$`));
  const report = reportText(back, plain);
  for (const text of [
    `deploy ${run}`,
    'shop shop (shop.service), strategy restart',
    `${older} -> ${newer}`,
    'gate            failed        3.1 s',
    '✓ port',
    'failed at gate (health): answered 500',
    'evidence: none',
    'took 812 ms, downtime not measured',
  ])
    assert.match(report, text);
  assert.not.match(report, 'made from');
  const origin = { revision: '4f2a9c1', branch: 'main', longest_wait_ms: 30 };
  const made = reportText({ ...first, ...origin }, plain);
  for (const text of ['made from 4f2a9c1 (main)', 'took 812 ms, port closed 301 ms, longest wait 30 ms'])
    assert.match(made, text);
  // Ledgers of an earlier version have neither key.
  const { revision: _, branch: __, ...old } = first;
  assert.not.match(reportText(old as typeof first, plain), 'made from');
  assert.is(report.split('\n').at(-1)?.startsWith(`${newer} failed`), true);
});
