import * as assert from 'uvu/assert';
import type { ShownRunning } from '../../../lib/report/page/model.ts';
import { runningOf } from '../../../lib/report/page/running.ts';
import type { LedgerEntry, LedgerLine, StepState } from '../../../lib/run/ledger.ts';
import { documentWith, gateFailure, inputsOf } from '../../run/samples.ts';
import { suite } from '../../suite.ts';
import { runOf } from '../../triggers/page/samples.ts';

const test = suite('a run in progress');

const began = Date.parse('2026-02-03T15:11:20.000Z');
const run = '20260203-151120-4f2a';

/** A line each 100 ms. */
function linesOf(...entries: LedgerEntry[]): LedgerLine[] {
  return [{ type: 'begin', inputs: inputsOf(run) } as const, ...entries].map((entry, index) => {
    return { ...entry, at: new Date(began + index * 100).toISOString() };
  });
}

function step(name: string, state: StepState): LedgerEntry {
  return { type: 'step', name, state };
}

function statesOf(running: ShownRunning | null): string[] {
  return (running?.steps ?? []).map(({ name, state, duration_ms }) => `${name} ${state} ${duration_ms ?? '-'}`);
}

test('R6: its steps are done, at work, and ahead as the last good run had them', () => {
  const past = [runOf(1_000, { outcome: 'failed', steps: [] }), runOf(9_000)];
  const lines = linesOf(step('stop', 'intended'), step('stop', 'done'), step('free-port', 'intended'));
  const running = runningOf(lines, { isAtWork: true, past });
  assert.equal(statesOf(running), [
    'stop done 100',
    'free-port now -',
    'swap ahead -',
    'start ahead -',
    'gate ahead -',
  ]);
  assert.is(running?.state, 'at_work');
  assert.is(running?.steps[1]?.began_at, lines[3]?.at);
});

test('R6: on its way back a step is taken back, and one that failed stays failed', () => {
  const lines = linesOf(
    step('swap', 'intended'),
    step('swap', 'done'),
    step('gate', 'intended'),
    step('gate', 'failed'),
    { type: 'failure', failure: gateFailure },
    step('gate', 'reverting'),
    step('gate', 'reverted'),
    step('swap', 'reverting'),
  );
  const running = runningOf(lines, { isAtWork: true, past: [runOf(9_000)] });
  assert.equal(
    statesOf(running).map((text) => text.replace(/ [\d-]+$/, '')),
    ['swap going_back', 'gate reverted'],
  );
  assert.equal(running?.failure, gateFailure);
});

test('R6: a run that was cut off says so and promises nothing', () => {
  const running = runningOf(linesOf(step('stop', 'intended')), { isAtWork: false, past: [runOf(9_000)] });
  assert.is(running?.state, 'cut_off');
  assert.equal(statesOf(running), ['stop now -']);
});

test('R6: a ledger that has an outcome, or cannot be used, is no run in progress', () => {
  const over: LedgerEntry = { type: 'outcome', document: documentWith() };
  assert.is(runningOf(linesOf(step('stop', 'done'), over), { isAtWork: true, past: [] }), null);
  assert.is(runningOf([], { isAtWork: true, past: [] }), null);
  assert.is(runningOf(linesOf().slice(1), { isAtWork: true, past: [] }), null);
});
