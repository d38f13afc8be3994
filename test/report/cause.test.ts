import * as assert from 'uvu/assert';
import { failingsIn, figuresOf, type TimedRun } from '../../lib/report/slo.ts';
import { plainColours } from '../../lib/report/plain.ts';
import { historyText, reportText } from '../../lib/report/text.ts';
import { sentenceOf } from '../../lib/report/words.ts';
import type { Cause } from '../../lib/run/cause.ts';
import { documentWith, newer, older } from '../run/samples.ts';
import { suite } from '../suite.ts';
import { noticeWith } from './notify/samples.ts';

const test = suite('report/cause');
const cause: Cause = {
  by: 'monitor',
  reason: 'health',
  message: 'http://127.0.0.1:9000/health: answered 503',
  since: '2026-02-03T15:06:20.000Z',
  evidence: '/state/evidence/20260203-151120-4f2a/before',
};
const left = { kind: 'rollback', from: newer, to: older, active: older, cause } as const;
const [second, minute, day] = [1_000, 60_000, 86_400_000];

test('S10: a rollback that no person asked for says what was found, in all that tells of it', () => {
  const document = documentWith(left);
  assert.is(
    sentenceOf(document),
    `${newer} failed: the monitor found ${cause.message}; shop is back on ${older}, proven healthy in 812 ms; the port was closed for 301 ms`,
  );
  assert.match(historyText([document]), /rollback +deployed .* monitor: health$/m);
  const report = reportText(document, plainColours);
  assert.match(report, `begun by monitor (health): ${cause.message}`);
  assert.match(report, `evidence: ${cause.evidence}`);
  const again = documentWith({ kind: 'recovery', from: newer, to: newer, active: newer, cause });
  assert.match(sentenceOf(again), `the monitor found ${cause.message}; shop serves ${newer} again, proven healthy`);
});

test('P4: who is told of builds that failed is told of one that failed in service', () => {
  const { kind, title, facts, commands } = noticeWith(left);
  assert.equal([kind, title], ['rolled_back', '⚠️ rolled back: shop shop']);
  const { Build, 'In service': active, 'Found by': by } = Object.fromEntries(facts);
  assert.equal([Build, active, by], [newer, older, 'monitor (health)']);
  assert.equal(commands[0], 'cutover report shop 20260203-151120-4f2a');
  assert.is(noticeWith({ ...left, kind: 'settle' }).kind, 'rolled_back', 'cut off and settled');
  assert.is(noticeWith({ ...left, kind: 'recovery', from: older }).kind, 'recovered');
  assert.is(noticeWith({ ...left, outcome: 'failed' }).kind, 'failed');
});

test('R7: a service that the monitor found unwell is a failure from then on, until a build is proven', () => {
  const run = (startedMs: number, changed: Partial<TimedRun>): TimedRun => {
    const times = { startedMs, endedMs: startedMs + 10 * second, failedMs: null, causeMs: null, downtimeMs: second };
    return { run: 'a', kind: 'deploy', outcome: 'deployed', isBegun: true, ...times, ...changed };
  };
  const runs = [run(0, {}), run(20 * minute, { kind: 'rollback', causeMs: 10 * minute })];
  const failings = failingsIn(runs);
  const end = 20 * minute + 10 * second;
  assert.equal(
    failings.map(({ fromMs, untilMs, endedBy }) => [fromMs, untilMs, endedBy]),
    [[10 * minute, end, 'rollback']],
  );
  const { recovery_success, time_to_recovery_ms, availability } = figuresOf(
    { runs, failings },
    { fromMs: 0, nowMs: day },
  );
  assert.equal([recovery_success.value, time_to_recovery_ms.value], [1, end - 10 * minute]);
  assert.is(availability.value, 1 - (second + end - 10 * minute) / day);
  const longer = failingsIn([run(20 * minute, { kind: 'recovery', causeMs: 10 * minute, downtimeMs: 12 * minute })]);
  assert.is(longer[0]?.fromMs, end - 12 * minute, 'systemd knew better than the first look');
  assert.equal(failingsIn([run(0, { causeMs: 0, outcome: 'interrupted' })]), [], 'nothing was done');
});

test('S11: the reason of a refusal is the names of the checks that failed', () => {
  const check = { status: 'fail', observed: 'x', expected: 'y', mend: null } as const;
  const checks = [
    { name: 'disk', ...check },
    { name: 'port', ...check, status: 'pass' as const },
    { name: 'unit', ...check },
  ];
  assert.match(historyText([documentWith({ outcome: 'refused', checks })]), /refused .* checks: disk, unit$/m);
});
