import * as assert from 'uvu/assert';
import { coloursFor } from '../../lib/report/colour.ts';
import { failingsIn, type FigureName, figuresOf, meanings, type TimedRun } from '../../lib/report/slo.ts';
import { type SloReport, sloText } from '../../lib/report/slo-text.ts';
import { suite } from '../suite.ts';

const test = suite('report/slo');
const [second, minute, day] = [1_000, 60_000, 86_400_000];
const plain = coloursFor({}, { isWanted: false, env: {} });

/** A run of 10 s that began so many milliseconds after the first moment. */
function run(startedMs: number, changed: Partial<TimedRun> = {}): TimedRun {
  const { outcome = 'deployed' } = changed;
  const failedMs = outcome === 'failed' || outcome === 'rolled_back' ? startedMs + 4 * second : null;
  const times = { startedMs, failedMs, endedMs: startedMs + 10 * second, downtimeMs: second };
  return { run: `run-${startedMs}`, kind: 'deploy', outcome, causeMs: null, ...times, isBegun: true, ...changed };
}

function figures(runs: TimedRun[], nowMs: number, fromMs = 0) {
  return figuresOf({ runs, failings: failingsIn(runs) }, { fromMs, nowMs });
}

test('R7: a deploy that went back by itself is a failure, recovered when the build before was proven', () => {
  const { recovery_success, time_to_recovery_ms, availability, time_between_failures_ms } = figures(
    [run(0), run(day, { outcome: 'rolled_back', downtimeMs: 3 * second }), run(2 * day)],
    10 * day,
  );
  assert.equal([recovery_success.value, recovery_success.met, recovery_success.observed], [1, true, '1 of 1 failure']);
  assert.equal([time_to_recovery_ms.value, time_to_recovery_ms.met], [6 * second, true]);
  assert.is(availability.value, 1 - (5 * second) / (10 * day));
  assert.is(availability.observed, 'down 5.0 s in 10 days');
  assert.equal([time_between_failures_ms.value, time_between_failures_ms.met], [10 * day, true]);
});

test('R7: after a failed run all counts as down until a build is proven, and counts once', () => {
  const runs = [
    run(0),
    run(minute, { outcome: 'failed', downtimeMs: 5 * second }),
    run(2 * minute, { outcome: 'failed', kind: 'rollback', downtimeMs: 10 * second }),
    run(5 * minute, { kind: 'rollback', downtimeMs: 9 * second }),
  ];
  const known = figures(runs, day);
  assert.equal(failingsIn(runs).length, 1, 'the second is a part of the first');
  assert.equal([known.recovery_success.value, known.recovery_success.observed], [1, '1 of 1 failure']);
  assert.is(known.time_to_recovery_ms.value, 5 * minute + 10 * second - (minute + 4 * second));
  const downMs = second + 5 * second + 4 * minute;
  assert.is(known.availability.value, 1 - downMs / day);
  assert.is(known.availability.met, false);
  assert.is(known.time_between_failures_ms.met, false);
});

test('R7: a clock that went back makes nothing better than it can be', () => {
  const hour = 60 * minute;
  // It was set back by an hour while the service was down, and then by more than all that is known.
  const runs = [run(2 * hour, { outcome: 'failed', downtimeMs: 5 * second }), run(hour, { kind: 'rollback' })];
  const mended = figures(runs, day, hour);
  assert.is(mended.availability.value, 1 - (6 * second) / (day - hour));
  assert.is(mended.time_to_recovery_ms.value, 0);
  const cause = run(2 * hour, { kind: 'recovery', causeMs: 2 * hour - minute, outcome: 'failed', downtimeMs: null });
  for (const nowMs of [hour, 2 * hour]) {
    const unknown = figures([...runs, cause], nowMs, 2 * hour);
    assert.equal([unknown.availability.value, unknown.availability.met], [null, null]);
    const { value, met: isMet, observed } = unknown.time_between_failures_ms;
    assert.equal([value, isMet, observed], [null, null, '2 failures in 0 ms']);
  }
  const open = figures([cause], 1.5 * hour, 0);
  assert.ok((open.availability.value ?? 0) <= 1, `${open.availability.value}`);
});

function met(downtimeMs: number, nowMs: number): boolean | null {
  return figures([run(0, { downtimeMs })], nowMs).availability.met;
}

test('R7: the availability of some minutes is no missed goal, unless the day cannot mend it', () => {
  assert.equal([met(second, 2 * minute), met(80 * second, 3 * minute)], [null, null]);
  assert.equal([met(2 * minute, 3 * minute), met(2 * minute, day)], [false, false]);
  assert.equal([met(second, day / 2), met(0, minute)], [true, true]);
});

test('R7: what only a further deploy repaired was not recovered', () => {
  const known = figures([run(0, { outcome: 'failed' }), run(minute)], day);
  assert.equal([known.recovery_success.value, known.recovery_success.met], [0, false]);
  assert.is(known.time_to_recovery_ms.value, minute + 10 * second - 4 * second);
});

test('R7: a failure that goes on counts with its time so far, and the service as down', () => {
  const known = figures([run(0), run(minute, { outcome: 'failed' })], 11 * minute);
  assert.equal([known.recovery_success.value, known.recovery_success.observed], [0, '0 of 1 failure']);
  assert.is(known.time_to_recovery_ms.value, 10 * minute - 4 * second);
  assert.match(known.time_to_recovery_ms.observed, '; the last one goes on');
  assert.is(known.time_to_recovery_ms.met, false);
  assert.is(known.availability.value, 1 - (2 * second + 590 * second) / (660 * second));
});

test('R7: what is not known is unknown, and never 100 %', () => {
  const none = figures([], 0);
  for (const [name, { value, met }] of Object.entries(none)) assert.equal([value, met], [null, null], name);
  const young = figures([run(0)], day);
  assert.equal([young.recovery_success.value, young.time_to_recovery_ms.value], [null, null]);
  assert.equal([young.time_between_failures_ms.value, young.time_between_failures_ms.met], [null, null]);
  const unmeasured = figures(
    [run(0), run(minute, { downtimeMs: null }), run(2 * minute, { outcome: null, downtimeMs: null })],
    day,
  );
  assert.equal([unmeasured.availability.value, unmeasured.availability.met], [null, null]);
  assert.is(unmeasured.availability.observed, 'the downtime of 2 of 3 runs was not measured');
  const refused = figures([run(0), run(minute, { outcome: 'refused', downtimeMs: null, isBegun: false })], day);
  assert.is(refused.availability.value, 1 - second / day);
});

test('R7: longer than the goal without a failure meets it', () => {
  const { value, met, observed } = figures([run(0)], 8 * day).time_between_failures_ms;
  assert.equal([value, met, observed], [null, true, 'no failure in 8 days']);
});

test('R7: the text has each figure with its goal, what it was computed from, and how', () => {
  const runs = [run(0), run(day, { outcome: 'rolled_back' })];
  const report: SloReport = {
    app: 'shop',
    target: 'production',
    since: '2026-02-03T00:00:00.000Z',
    until: '2026-02-05T00:00:00.000Z',
    window_ms: 2 * day,
    runs: 2,
    failures: [],
    figures: figures(runs, 2 * day),
  };
  const lines = sloText(report, plain).split('\n');
  assert.is(lines[0], 'shop production: 2 runs from 2026-02-03T00:00:00.000Z to 2026-02-05T00:00:00.000Z (2 days)');
  assert.equal(lines.slice(1, 5), [
    '  ✓ recovery success       100 %     goal: over 95 %    1 of 1 failure',
    '  ✓ time to recovery       6.0 s     goal: under 5 min  longest 6.0 s',
    '  ✓ availability           99.998 %  goal: over 99.9 %  down 2.0 s in 2 days',
    '  ✗ time between failures  2 days    goal: over 7 days  1 failure in 2 days',
  ]);
  for (const name of Object.keys(meanings)) assert.match(lines.slice(5).join('\n'), meanings[name as FigureName]);
  assert.is(sloText({ ...report, since: null }, plain), 'shop production: no runs yet, so nothing is known');
});
