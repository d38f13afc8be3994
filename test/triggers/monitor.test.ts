import * as assert from 'uvu/assert';
import type { RunDocument } from '../../lib/run/document.ts';
import type { RunInputs } from '../../lib/run/inputs.ts';
import type { StatePaths } from '../../lib/run/state.ts';
import { openLedger } from '../../lib/run/ledger.ts';
import { actionFor } from '../../lib/triggers/monitor/act.ts';
import { changesOf, wantedAlerts } from '../../lib/triggers/monitor/alerts.ts';
import { readPastRuns } from '../../lib/triggers/monitor/past.ts';
import { problemsNow } from '../../lib/triggers/monitor/state.ts';
import type { Recovery } from '../../lib/run/recoveries.ts';
import { documentWith, inputsOf, makeState, newer, older } from '../run/samples.ts';
import { suite } from '../suite.ts';

const test = suite('triggers/monitor');
const [minute, hour] = [60_000, 3_600_000];
const now = Date.parse('2026-02-03T15:00:00.000Z');
const at = (ms: number): string => new Date(now + ms).toISOString();

test('S10: passes add up while the problem is there, and begin anew once it was gone', () => {
  const one = problemsNow({}, ['service'], now);
  assert.equal(one, { service: { since: at(0), passes: 1, acted: 0 } });
  const two = problemsNow(one, ['service', 'disk'], now + minute);
  assert.equal(two.service, { since: at(0), passes: 2, acted: 0 });
  assert.equal(problemsNow(two, ['disk'], now + 2 * minute), { disk: { since: at(minute), passes: 2, acted: 0 } });
  assert.is(problemsNow(two, ['service'], now - hour).service?.since, at(-hour), 'the clock went back');
  assert.equal(problemsNow({}, ['constructor'], now).constructor, { since: at(0), passes: 1, acted: 0 });
});

/** The first letters of what is done in each of six failed passes in a row. */
function done(action: 'alert' | 'restart' | 'rollback', isInBake = false): string {
  let acted = 0;
  const letters = [1, 2, 3, 4, 5, 6].map((passes) => {
    const what = actionFor({ since: at(0), passes, acted }, { failures: 2, action }, isInBake);
    if (what) acted += 1;
    return what?.slice(0, 2) ?? '-';
  });
  return letters.join(' ');
}

test('S10: what is done, after how many failures, and how often', () => {
  assert.is(done('alert'), '- - - - - -');
  assert.is(done('restart'), '- re - re - re');
  assert.is(done('rollback'), '- ro - - - -');
  assert.is(done('alert', true), 'ro - - - - -');
  assert.is(done('restart', true), 'ro re - re - re');
});

test('R5: what is alerted, and how badly', () => {
  const found = [
    { key: 'service', level: 'fail' as const, message: 'down' },
    { key: 'check:odd', level: 'warn' as const, message: 'odd' },
  ];
  const keysAfter = (sinceMs: number, passes: number, recoveries: Partial<Recovery>[] = []): string[] => {
    const problem = { since: at(-sinceMs), passes, acted: 0 };
    const problems = { service: problem, 'check:odd': problem };
    const known: Recovery = { id: 'a', run: 'a', outcome: 'deployed', isOver: true, startedMs: now, endedMs: now };
    const past = recoveries.map((changed) => ({ ...known, ...changed }));
    const wanted = wantedAlerts({ found, problems }, past, { failures: 3, nowMs: now });
    return Object.entries(wanted).map(([key, { severity }]) => `${key} ${severity}`);
  };
  assert.equal(keysAfter(0, 2), []);
  assert.equal(keysAfter(15 * minute, 3), ['service warning']);
  assert.equal(keysAfter(15 * minute + 1, 3), ['service warning', 'down critical']);
  assert.equal(keysAfter(0, 1, [{ outcome: 'failed' }, { startedMs: now - 10 * minute }]), []);
  assert.equal(keysAfter(0, 1, [{ outcome: 'failed' }, { outcome: 'failed' }]), ['recoveries critical']);
  assert.equal(keysAfter(0, 1, [{ outcome: 'failed' }, { outcome: 'failed', isOver: false }]), [], 'one goes on');
  assert.equal(keysAfter(0, 1, [{ startedMs: now - 10 * minute - 1 }]), ['slow-recovery warning']);
});

test('R5: each alert is told once, and once more when it is over', () => {
  const alert = { severity: 'warning' as const, message: 'down' };
  const raised = changesOf({}, { service: alert }, now);
  assert.equal(raised.alerts, [{ key: 'service', ...alert, state: 'raised', since: at(0) }]);
  const kept = changesOf(raised.open, { service: { ...alert, message: 'still down' } }, now + minute);
  assert.equal([kept.alerts, kept.open], [[], raised.open]);
  const over = changesOf(kept.open, {}, now + hour);
  assert.equal(over.alerts, [{ key: 'service', ...alert, state: 'cleared', since: at(0) }]);
  assert.equal(changesOf(over.open, {}, now + hour).alerts, []);
});

/** A run that started so long ago and took a minute. */
async function leave(
  paths: StatePaths,
  agoMs: number,
  changed: Partial<RunDocument>,
  recovery?: RunInputs['recovery'],
): Promise<void> {
  const startedAt = at(-agoMs);
  const run = `${startedAt.slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-')}-0000`;
  const inputs = inputsOf(run, { startedAt, kind: changed.kind ?? 'deploy', recovery });
  const ledger = await openLedger(paths, run);
  await ledger.write({ type: 'begin', inputs });
  await ledger.write({ type: 'outcome', document: documentWith({ duration_ms: minute, ...changed }, inputs) });
  await ledger.close();
}

test('S10: the bake time counts from the end of the deploy, and a recovery since then changes nothing', async (t) => {
  const paths = await makeState(t);
  assert.equal(await readPastRuns(paths, newer, now), { lastRun: null, deployedMs: null, recoveries: [] });
  await leave(paths, 5 * hour, { from: older, to: newer, active: newer });
  await leave(paths, 2 * hour, { kind: 'recovery', from: newer, to: newer, active: newer });
  await leave(paths, hour, { outcome: 'rolled_back', from: newer, to: older, active: newer });
  const { deployedMs, recoveries, lastRun } = await readPastRuns(paths, newer, now);
  assert.equal([deployedMs, recoveries.length, lastRun?.slice(0, 11)], [5 * hour - minute, 1, '20260203-14']);
  assert.is((await readPastRuns(paths, older, now)).deployedMs, null);
  assert.is((await readPastRuns(paths, newer, now - 6 * hour)).deployedMs, 0, 'the clock went back');
  await leave(paths, 10 * minute, { kind: 'rollback', from: older, to: newer, active: newer });
  assert.is((await readPastRuns(paths, newer, now)).deployedMs, null, 'it came by a rollback');
  assert.is((await readPastRuns(paths, newer, now + 23 * hour)).recoveries.length, 0);
});

const part = (id: string, isLast: boolean): RunInputs['recovery'] => ({ id, isLast });

test('R5: the attempts of a recovery are one recovery, which ends as the last of them, from the first start to the last end', async (t) => {
  const paths = await makeState(t);
  const [failed, back] = [
    { kind: 'recovery', outcome: 'failed' },
    { kind: 'rollback', outcome: 'deployed' },
  ] as const;
  await leave(paths, 25 * hour, failed, part('old', false));
  for (const minutes of [90, 85, 80]) await leave(paths, minutes * minute, failed, part('one', minutes === 80));
  for (const minutes of [70, 65]) await leave(paths, minutes * minute, failed, part('two', minutes === 65));
  await leave(paths, 64 * minute, back, part('two', true));
  await leave(paths, 62 * minute, failed, part('left', false));
  await leave(paths, 50 * minute, failed);
  await leave(paths, 5 * minute, failed, part('on', false));
  const { recoveries } = await readPastRuns(paths, newer, now);
  assert.equal(
    recoveries.map(({ id, outcome, isOver, startedMs, endedMs }) => {
      return [id.slice(0, 11), outcome, isOver, (endedMs - startedMs) / minute];
    }),
    [
      ['one', 'failed', true, 11],
      ['two', 'deployed', true, 7],
      ['left', 'failed', true, 1],
      ['20260203-14', 'failed', true, 1],
      ['on', 'failed', false, 1],
    ],
  );
});
