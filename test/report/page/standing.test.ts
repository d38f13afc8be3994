import * as assert from 'uvu/assert';
import { healthOf, withSample } from '../../../lib/report/page/health.ts';
import type { HealthSample } from '../../../lib/report/page/model.ts';
import { servesSince } from '../../../lib/report/page/runs.ts';
import { type Seen, standingOf } from '../../../lib/report/page/standing.ts';
import { gateFailure, newer, older } from '../../run/samples.ts';
import { suite } from '../../suite.ts';
import { changingTarget, nowMs, runOf } from '../../triggers/page/samples.ts';

const test = suite('how a target stands');

const well: Seen = { service: [], notes: [], moved: null, next: null };
const { running } = changingTarget();

function at(ms: number): string {
  return new Date(nowMs + ms).toISOString();
}

function standing(
  seen: Partial<Seen>,
  more: Partial<Parameters<typeof standingOf>[1]> = {},
): [string, string[], string[]] {
  const found = standingOf('production', {
    seen: { ...well, ...seen },
    running: null,
    last: undefined,
    config: null,
    ...more,
  });
  return [found.standing, found.findings, found.next];
}

test('R6: up, down and not known, with the command that goes with each', () => {
  assert.equal(standing({}), ['up', [], []]);
  const [word, findings, next] = standing({ service: ['connection refused'], notes: ['connection refused', 'more'] });
  assert.equal([word, findings], ['down', ['connection refused', 'more']]);
  assert.is(next[0], 'cutover recover production');
  assert.equal(standing({ service: null, notes: ['no bus'] }), ['unknown', ['no bus'], ['cutover status production']]);
});

test("R6: what is to be typed names a configuration that is not the machine's", () => {
  const config = '/srv/the shop/c.toml';
  const named = "--config '/srv/the shop/c.toml'";
  assert.is(standing({ service: ['x'] }, { config })[2][0], `cutover recover ${named} production`);
  assert.is(standing({ service: ['x'] }, { config: '/etc/cutover/cutover.toml' })[2][0], 'cutover recover production');
  assert.equal(standing({ service: ['x'], next: 'sudo ss -ltnp' }, { config })[2], ['sudo ss -ltnp']);
});

test('R6: what a look or a run knows goes before what helps in general', () => {
  const failed = runOf(1_000, { outcome: 'failed', failure: gateFailure });
  assert.is(standing({ service: ['x'], next: 'sudo ss -ltnp' }, { last: failed })[2][0], 'sudo ss -ltnp');
  assert.equal(standing({ service: ['x'] }, { last: failed })[2], failed.next);
  assert.match(failed.next.join(), 'cutover rollback production');
});

test('R6: a run at work explains that nothing answers; one that was cut off has to be settled', () => {
  assert.equal(standing({ service: ['connection refused'] }, { running }), [
    'changing',
    [],
    ['cutover logs production --follow'],
  ]);
  const cutOff = running && { ...running, state: 'cut_off' as const };
  assert.equal(standing({ service: ['x'] }, { running: cutOff }), ['down', ['x'], ['cutover settle production']]);
  assert.equal(standing({}, { running: cutOff })[2], ['cutover settle production']);
});

test('R6: that another build serves than current names is told, and a run at work explains it', () => {
  const moved = `current names ${newer}, and ${older} serves`;
  assert.equal(standing({ moved }), ['up', [moved], ['cutover check production']]);
  assert.equal(standing({ moved }, { running })[1], []);
});

test('R6: after a run that went back there is something to read, after a good one nothing to do', () => {
  const back = runOf(1_000, { outcome: 'rolled_back', failure: gateFailure });
  assert.equal(standing({}, { last: back })[2], [`cutover report production ${back.run}`]);
  assert.equal(standing({}, { last: runOf(1_000) })[2], []);
});

test('R6: the error rate is that of the last ten minutes, of sixty questions at most', () => {
  let samples: HealthSample[] = [];
  for (let index = 0; index < 100; index += 1)
    samples = withSample(samples, { at: at(index * 3_000), ok: index < 70, response_ms: index });
  const health = healthOf(samples, []);
  assert.equal([health.asked, health.failed, health.error_rate, health.window_ms], [60, 30, 0.5, 59 * 3_000]);
  // Of the good ones: 40 to 69.
  assert.is(health.median_ms, 54);
  const later = withSample(samples, { at: at(20 * 60_000), ok: true, response_ms: 1 });
  assert.is(later.length, 1);
  // A clock that went back leaves none from the future.
  assert.is(withSample(samples, { at: at(-60_000), ok: true, response_ms: 1 }).length, 1);
  assert.equal(healthOf([], []).error_rate, null);
});

test('R6: a build serves since the run that brought it, whatever came after', () => {
  const brought = runOf(60_000, { from: older, active: newer, duration_ms: 1_000 });
  const runs = [
    runOf(10_000, { outcome: 'refused', active: newer }),
    runOf(30_000, { kind: 'recovery', from: newer, active: newer }),
    brought,
  ];
  assert.is(servesSince(runs, newer), new Date(Date.parse(brought.started_at) + 1_000).toISOString());
  assert.is(servesSince(runs, older), null);
  assert.is(servesSince(runs, null), null);
});
