import { appendFile, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { type LedgerEntry, openLedger, readEnds, readLedger, recordOf } from '../../lib/run/ledger.ts';
import { ledgerPath, statePaths } from '../../lib/run/state.ts';
import { makeTmpfs } from '../base/tmpfs.ts';
import { rejection } from '../builds/directory.ts';
import { suite } from '../suite.ts';
import { documentWith, gateFailure, inputsOf, makeState, openTestLedger } from './samples.ts';

const test = suite('run/ledger');
const run = '20260203-151120-4f2a';
const inputs = inputsOf(run);
const lineOf = (entry: LedgerEntry): string => `${JSON.stringify({ at: '2026-02-03T15:11:20.000Z', ...entry })}\n`;

test('S8: what is written is read back, each line with its time, for the owner alone', async (t) => {
  const paths = await makeState(t);
  const ledger = await openTestLedger(t, paths);
  assert.is(ledger.path, ledgerPath(paths, run));
  await ledger.write({ type: 'begin', inputs });
  await ledger.write({ type: 'step', name: 'swap', state: 'intended' });
  await ledger.write({ type: 'step', name: 'swap', state: 'applied', facts: { from: null, "o'clock": 'new\nline' } });
  await ledger.write({ type: 'step', name: 'swap', state: 'revert_failed', message: 'no' });
  await ledger.write({ type: 'failure', failure: gateFailure });
  await ledger.write({ type: 'outcome', document: documentWith() });
  const lines = (await readLedger(ledger.path)) ?? [];
  assert.equal(
    lines.map((line) => Object.fromEntries(Object.entries(line).filter(([key]) => key !== 'at'))),
    [
      { type: 'begin', inputs },
      { type: 'step', name: 'swap', state: 'intended' },
      { type: 'step', name: 'swap', state: 'applied', facts: { from: null, "o'clock": 'new\nline' } },
      { type: 'step', name: 'swap', state: 'revert_failed', message: 'no' },
      { type: 'failure', failure: gateFailure },
      { type: 'outcome', document: documentWith() },
    ],
  );
  for (const { at } of lines) assert.match(at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.is((await stat(ledger.path)).mode & 0o777, 0o600);
  assert.is((await stat(paths.runs)).mode & 0o777, 0o700);
  assert.is((await readFile(ledger.path, 'utf8')).split('\n').length, 7);
});

test('S8: a ledger that is not there is null, an empty one has no record', async (t) => {
  const paths = await makeState(t);
  assert.is(await readLedger(ledgerPath(paths, run)), null);
  await mkdir(paths.runs, { recursive: true });
  for (const text of ['', '\n', '\n\n\n', '\0\0\0\0', '{"type":"beg']) {
    await writeFile(ledgerPath(paths, run), text);
    const lines = await readLedger(ledgerPath(paths, run));
    assert.equal(lines, [], JSON.stringify(text));
    assert.is(recordOf(lines ?? []), null);
  }
});

test('S8: a ledger cut off at any byte tells what its whole lines tell', async (t) => {
  const paths = await makeState(t);
  const ledger = await openTestLedger(t, paths);
  await ledger.write({ type: 'begin', inputs });
  await ledger.write({ type: 'step', name: 'stop', state: 'intended' });
  await ledger.write({ type: 'step', name: 'stop', state: 'applied' });
  await ledger.write({ type: 'outcome', document: documentWith() });
  const whole = await readFile(ledger.path, 'utf8');
  const ends = Array.from(whole.matchAll(/\n/g), ({ index }) => index);
  const torn = ledgerPath(paths, '20260203-151120-0000');
  for (let length = 0; length <= whole.length; length += 7) {
    await writeFile(torn, whole.slice(0, length));
    const count = ends.filter((end) => end <= length).length;
    const record = recordOf((await readLedger(torn)) ?? []);
    assert.equal(record && record.inputs, count >= 1 ? inputs : null, `${length} bytes`);
    assert.is(record?.steps.get('stop'), count >= 3 ? 'applied' : count === 2 ? 'intended' : undefined);
    assert.is(record?.document?.outcome, count === 4 ? 'deployed' : undefined);
  }
});

test('S8: begin and end are what the whole record tells, whatever the ledger ends with', async (t) => {
  const paths = await makeState(t);
  const path = ledgerPath(paths, run);
  await mkdir(paths.runs, { recursive: true });
  const begin = lineOf({ type: 'begin', inputs });
  const step = lineOf({ type: 'step', name: 'swap', state: 'applied' });
  const ended = lineOf({ type: 'outcome', document: documentWith() });
  const texts = [
    begin + step + ended,
    begin + ended,
    begin + step,
    begin,
    ended,
    '',
    begin + step + ended.slice(0, -20),
    begin + ended + step.slice(0, 9),
    begin + lineOf({ type: 'way_back', to: 'dist.20260101-000000' }) + ended,
    begin + ended + lineOf({ type: 'boot' }),
    `${begin}${ended}\n`,
    step + begin + ended,
    lineOf({ type: 'begin', inputs: { ...inputs, to: 7 as never } }) + ended,
    begin + ended + lineOf({ type: 'outcome', document: documentWith({ outcome: 'failed' }) }),
  ];
  for (const text of texts) {
    await writeFile(path, text);
    const record = recordOf((await readLedger(path)) ?? []);
    const whole = record && { inputs: record.inputs, document: record.document };
    const ends = readEnds(path);
    assert.equal(ends && { inputs: ends.inputs, document: ends.document }, whole, text);
  }
  assert.is(readEnds(`${path}.none`), null);
});

test('S8: who goes on after half a line does not lose the next one', async (t) => {
  const paths = await makeState(t);
  const first = await openLedger(paths, run);
  await first.write({ type: 'begin', inputs });
  await first.close();
  await appendFile(first.path, '{"at":"2026-02-03T15:11:20.001Z","type":"step","na');
  for (const state of ['reverting', 'reverted'] as const) {
    const again = await openLedger(paths, run);
    await again.write({ type: 'step', name: 'swap', state });
    await again.close();
  }
  const record = recordOf((await readLedger(first.path)) ?? []);
  assert.equal(record?.inputs, inputs);
  assert.equal([...(record?.steps ?? [])], [['swap', 'reverted']]);
  // The torn line got an end of its own, and no line without need.
  assert.is((await readFile(first.path, 'utf8')).split('\n').length, 5);
});

test('S8: what a later version or somebody else wrote is passed over', async (t) => {
  const paths = await makeState(t);
  const ledger = await openTestLedger(t, paths);
  const foreign = [
    '# a comment',
    '42',
    'null',
    '"text"',
    '[]',
    '{"type":7}',
    '{"type":"from_tomorrow","what":1}',
    '{}',
    ' ',
  ];
  await ledger.write({ type: 'begin', inputs });
  await appendFile(ledger.path, `${foreign.join('\n')}\n`);
  await ledger.write({ type: 'step', name: 'stop', state: 'intended' });
  const record = recordOf((await readLedger(ledger.path)) ?? []);
  assert.equal([...(record?.steps ?? [])], [['stop', 'intended']]);
  assert.is(record?.document, null);
});

test('S8: a record needs its inputs first, and holds how far each step came in the order they began', () => {
  const at = '2026-02-03T15:11:20.000Z';
  const begin = { at, type: 'begin', inputs } as const;
  const stop = { at, type: 'step', name: 'stop' } as const;
  const swap = { at, type: 'step', name: 'swap' } as const;
  assert.is(recordOf([]), null);
  assert.is(recordOf([{ ...stop, state: 'intended' }, begin]), null);
  assert.equal(recordOf([begin]), {
    inputs,
    steps: new Map(),
    hasActed: false,
    applied: new Set(),
    isBooted: false,
    failure: null,
    document: null,
  });
  const record = recordOf([
    begin,
    { ...stop, state: 'intended' },
    { ...stop, state: 'done' },
    { ...swap, state: 'intended' },
    { at, type: 'failure', failure: gateFailure },
    { ...swap, state: 'reverted' },
    { ...stop, state: 'reverting' },
    { at, type: 'outcome', document: documentWith({ outcome: 'rolled_back' }) },
  ]);
  assert.equal(
    [...(record?.steps ?? [])],
    [
      ['stop', 'reverting'],
      ['swap', 'reverted'],
    ],
  );
  assert.is(record?.hasActed, true);
  assert.equal(record?.failure, gateFailure);
  assert.is(record?.document?.outcome, 'rolled_back');
});

test('S8: who goes on with a way back goes to the build that took the place of one that was gone', () => {
  const at = '2026-02-03T15:11:20.000Z';
  const record = recordOf([
    { at, type: 'begin', inputs },
    { at, type: 'way_back', to: 'dist.20260101-000000' },
  ]);
  assert.equal(record?.inputs, { ...inputs, back: 'dist.20260101-000000' });
});

test('S8: a ledger on a full disk says so, and one that cannot be opened as well', async (t) => {
  const { path, remount } = await makeTmpfs(t, 65_536);
  const paths = statePaths({ state: path, app: 'shop', target: 'production' });
  const ledger = await openTestLedger(t, paths);
  const message = 'x'.repeat(100_000);
  const error = await rejection(ledger.write({ type: 'step', name: 'stop', state: 'intended', message }));
  assert.is(error.code, 'disk');
  await remount('size=1m');
  await ledger.write({ type: 'step', name: 'stop', state: 'intended' });
  assert.is((await rejection(openLedger({ ...paths, runs: '/dev/null/runs' }, run))).code, 'refused');
});

test('S8: the line after one that the full disk cut off is not lost', async (t) => {
  const { path, remount } = await makeTmpfs(t, 65_536);
  const ledger = await openTestLedger(t, statePaths({ state: path, app: 'shop', target: 'production' }));
  await ledger.write({ type: 'begin', inputs });
  const facts = { from: 'x'.repeat(100_000) };
  await rejection(ledger.write({ type: 'step', name: 'swap', state: 'applied', facts }));
  await remount('size=1m');
  await ledger.write({ type: 'step', name: 'swap', state: 'reverting' });
  const record = recordOf((await readLedger(ledger.path)) ?? []);
  assert.equal([...(record?.steps ?? [])], [['swap', 'reverting']]);
});
