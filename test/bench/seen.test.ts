import * as assert from 'uvu/assert';
import { goalsOf } from '../../bench/strategies/goals.ts';
import type { Kind, LoadReport, Request, Run, Tool } from '../../bench/strategies/model.ts';
import { rowsOf } from '../../bench/strategies/rows.ts';
import { noFailures, percentile, viewer } from '../../bench/strategies/seen.ts';
import { suite } from '../suite.ts';

const test = suite('bench/seen');

/** A request every 10 ms from 1000 on, each answered after 2 ms, but for those that are given. */
function seen(others: Record<number, [tookMs: number, result: Request[2]]>, stalls: LoadReport['stalls'] = []) {
  const requests = Array.from({ length: 100 }, (_, number): Request => {
    const dueMs = 1_000 + number * 10;
    return [dueMs, ...(others[dueMs] ?? ([2, 'ok'] as const))];
  });
  return viewer({ requests, stalls });
}

test('counts a request where it was due, and its wait from then on', () => {
  const see = seen({ 1_190: [500, 'ok'], 1_200: [3, 'refused'], 1_210: [4, '5xx'] });
  const before = see({ fromMs: 1_100, toMs: 1_200 });
  assert.is(before.requests, 10);
  assert.is(before.longestWaitMs, 500);
  assert.equal(before.failed, noFailures());
  const after = see({ fromMs: 1_200, toMs: 1_300 });
  assert.equal(after.failed, { ...noFailures(), refused: 1, '5xx': 1 });
  assert.is(after.latenciesMs.length, 8, 'a request that failed has no wait');
});

test('measures a gap between answers in its whole length, from whichever side it reaches in', () => {
  const see = seen({ 1_200: [300, 'ok'], 1_210: [1, 'reset'], 1_220: [1, 'reset'], 1_230: [1, 'timeout'] });
  // The last answer before it came at 1192, the first after it at 1242.
  assert.is(see({ fromMs: 1_000, toMs: 1_215 }).gapMs, 50);
  assert.is(see({ fromMs: 1_215, toMs: 1_300 }).gapMs, 50);
  assert.is(see({ fromMs: 1_300, toMs: 1_400 }).gapMs, 10);
  assert.is(see({ fromMs: 1_900, toMs: 2_500 }).gapMs, 508, 'nothing after the last answer');
});

test('tells when the generator itself stood still', () => {
  const see = seen({}, [
    [1_050, 40],
    [1_500, 7],
  ]);
  assert.is(see({ fromMs: 1_000, toMs: 1_100 }).stallMs, 40);
  assert.is(see({ fromMs: 1_400, toMs: 1_600 }).stallMs, 7);
  assert.is(see({ fromMs: 1_100, toMs: 1_400 }).stallMs, 0);
});

test('takes a percentile from what was measured', () => {
  const values = Array.from({ length: 200 }, (_, index) => 200 - index);
  assert.is(percentile(values, 0.5), 100);
  assert.is(percentile(values, 0.99), 198);
  assert.is(percentile([7], 0.99), 7);
  assert.ok(Number.isNaN(percentile([], 0.5)));
});

test('judges a goal by the worst run, and does not call it met where nothing was measured', () => {
  const good = [run('overlap', 'quiet', { gapMs: 9 }), run('overlap', 'good', { gapMs: 12 }), run('overlap', 'good')];
  assert.equal(judged(good).slice(0, 2), [
    ['`overlap`, good builds and rollbacks: no failed request', true],
    ['`overlap`, bad builds that fail before they serve: no failed request', false],
  ]);
  const lost = [...good, run('overlap', 'good', { failed: { ...noFailures(), reset: 1 }, gapMs: 120 })];
  const unmet = judged(lost).filter(([, isMet]) => !isMet);
  assert.ok(unmet.some(([goal]) => goal === '`overlap`, good builds and rollbacks: no failed request'));
  assert.ok(unmet.some(([goal]) => goal.includes('good builds and rollbacks: no gap between answers')));
  assert.ok(unmet.some(([goal]) => goal.includes('1.5 × that of the quiet')));
  const slow = [run('restart', 'good', { gapMs: 400, ownMs: 380 }), run('restart', 'good', { gapMs: 400, ownMs: 349 })];
  assert.is(judged(slow).find(isOwn)?.[1], false);
  assert.is(judged(slow.slice(0, 1)).find(isOwn)?.[1], true);
  assert.is(judged([run('restart', 'good')]).find(isOwn)?.[1], false, 'its own time is not known');
});

const isOwn = ([goal]: [string, boolean]): boolean => goal.startsWith('`restart`');

function judged(runs: Run[]): [goal: string, isMet: boolean][] {
  const rows = rowsOf(runs.map((each) => ({ run: each, latenciesMs: [1, 2, 100] })));
  return goalsOf({ rows, runs }).map(({ goal, isMet }) => [goal, isMet]);
}

function run(tool: Tool, kind: Kind, others: Partial<Run> = {}): Run {
  const nothing = { round: 1, exitCode: 0, ms: 1, requests: 3, failed: noFailures(), gapMs: 0, longestWaitMs: 0 };
  return { tool, kind, ...nothing, stallMs: 0, ownMs: null, problem: null, ...others };
}
