import * as assert from 'uvu/assert';
import { timesOf } from '../../lib/deploy/last-run.ts';
import type { StepStatus } from '../../lib/run/step.ts';
import { suite } from '../suite.ts';

const test = suite('deploy/last-run');

function timesIn(
  strategy: string,
  took: Record<string, number>,
  more: { downtime?: number; status?: StepStatus; healthyForMs?: number } = {},
) {
  const { downtime = null, status = 'done', healthyForMs = 0 } = more;
  const steps = Object.entries(took).map(([name, ms]) => ({ name, status, duration_ms: ms }));
  return timesOf({ run: 'R', strategy, steps, downtime_ms: downtime }, { healthyForMs });
}

test('S5: for how long of the stop the port was closed', () => {
  const took = { stop: 10_000, 'free-port': 5, swap: 5, start: 3_000, gate: 500 };
  assert.equal(timesIn('restart', took, { downtime: 3_020 }).stop, { step: 'stop', tookMs: 10_000, closedMs: 10 });
  assert.equal(timesIn('restart', took, { downtime: 13_000 }).stop, { step: 'stop', tookMs: 10_000, closedMs: 9_990 });
  assert.is(timesIn('restart', took).stop?.closedMs, null);
  assert.is(timesIn('restart', took, { status: 'reverted' }).stop, null);
});

test('how long connections wait behind a socket: until the first answer, and with a stand-in not for the drain', () => {
  assert.is(timesIn('restart', { stop: 1, start: 2 }).restartMs, null);
  assert.is(timesIn('socket', { swap: 1, restart: 700, gate: 300 }).restartMs, 1_000);
  assert.is(timesIn('socket', { restart: 700, gate: 5_300 }, { healthyForMs: 5_000 }).restartMs, 1_000);
  assert.is(timesIn('overlap', { 'stand-in': 800, restart: 6_300, gate: 300, retire: 6_000 }).restartMs, 800);
  assert.equal(timesIn('overlap', { restart: 300, retire: 90 }).stop, { step: 'retire', tookMs: 90, closedMs: null });
  assert.is(timesIn('overlap', {}).restartMs, null);
});
