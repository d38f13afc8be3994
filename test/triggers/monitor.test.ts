import { rm } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { openController } from '../../lib/base/wait.ts';
import type { Outcome, RunDocument } from '../../lib/run/document.ts';
import type { Reason } from '../../lib/run/failure.ts';
import type { RunInputs } from '../../lib/run/inputs.ts';
import type { StatePaths } from '../../lib/run/state.ts';
import { nextRunId } from '../../lib/run/history.ts';
import { openLedger } from '../../lib/run/ledger.ts';
import { actedOn, actionFor, isBegun } from '../../lib/triggers/monitor/act.ts';
import { changesOf, wantedAlerts, withUntold } from '../../lib/triggers/monitor/alerts.ts';
import { readKnown, whyOutdated } from '../../lib/triggers/monitor/known.ts';
import { readPastRuns } from '../../lib/triggers/monitor/past.ts';
import { restartsSince } from '../../lib/triggers/monitor/starts.ts';
import { problemsNow, writeState } from '../../lib/triggers/monitor/state.ts';
import type { Recovery } from '../../lib/run/recoveries.ts';
import { makeDirectory } from '../builds/directory.ts';
import { documentWith, gateFailure, inputsOf, leaveRun, makeState, newer, older } from '../run/samples.ts';
import { suite } from '../suite.ts';

const test = suite('triggers/monitor');
const [minute, hour] = [60_000, 3_600_000];
const now = Date.parse('2026-02-03T15:00:00.000Z');
const at = (ms: number): string => new Date(now + ms).toISOString();

test('S10: passes add up while the problem is there, and begin anew once it was gone', () => {
  const atMs = (nowMs: number) => ({ nowMs, everyMs: minute });
  const one = problemsNow({}, ['service'], atMs(now));
  assert.equal(one, { service: { since: at(0), passes: 1, counted: at(0), acted: 0 } });
  const two = problemsNow(one, ['service', 'disk'], atMs(now + minute));
  assert.equal(two.service, { since: at(0), passes: 2, counted: at(minute), acted: 0 });
  const disk = { since: at(minute), passes: 2, counted: at(2 * minute), acted: 0 };
  assert.equal(problemsNow(two, ['disk'], atMs(now + 2 * minute)), { disk });
  const back = problemsNow(two, ['service'], atMs(now - hour)).service;
  assert.equal([back?.since, back?.passes], [at(-hour), 3], 'the clock went back');
  assert.equal(Object.entries(problemsNow({}, ['constructor'], atMs(now)))[0]?.[1].passes, 1);
});

test('S10: of passes that are closer together than the configuration has them, one counts', () => {
  let problems = problemsNow({}, ['service'], { nowMs: now, everyMs: 5 * minute });
  const passes = [1_000, 2_000, 4 * minute, 4.6 * minute, 9 * minute, 9.2 * minute].map((ms) => {
    problems = problemsNow(problems, ['service'], { nowMs: now + ms, everyMs: 5 * minute });
    return problems.service?.passes;
  });
  assert.equal(passes, [1, 1, 1, 2, 2, 3], 'a timer comes some seconds early');
  const old = { service: { since: at(0), passes: 2, acted: 0 } };
  assert.is(problemsNow(old, ['service'], { nowMs: now, everyMs: minute }).service?.passes, 3, 'of an earlier version');
});

test('S10: a restart by systemd is news once, whoever started the unit in between', () => {
  const before = { restarts: 2, invocation: 'a' };
  const news = (restarts: number, invocation: string): number => restartsSince(before, { restarts, invocation });
  assert.equal([news(2, 'a'), news(3, 'b'), news(5, 'b')], [0, 1, 3]);
  assert.equal([news(0, 'b'), news(1, 'b'), news(2, 'b')], [0, 1, 2], 'somebody started it, and systemd counts anew');
  assert.is(restartsSince({ restarts: 0, invocation: 'a' }, { restarts: 0, invocation: 'b' }), 0);
  assert.is(restartsSince(null, { restarts: 7, invocation: 'a' }), 0, 'the first pass of all');
  const earlier = { restarts: 2 };
  const after = [1, 2, 3].map((restarts) => restartsSince(earlier, { restarts, invocation: 'a' }));
  assert.equal(after, [1, 0, 1], 'an earlier version kept no invocation');
});

/** The first letters of what is done in each of six failed passes in a row. @param keptFrom in these passes nothing could be begun */
function done(action: 'alert' | 'restart' | 'rollback', isInBake = false, keptFrom: number[] = []): string {
  let problem = { since: at(0), passes: 0, acted: 0 };
  const letters = [1, 2, 3, 4, 5, 6].map((passes) => {
    problem = { ...problem, passes };
    const what = actionFor(problem, { failures: 2, action }, { isInBake, isCounted: true });
    if (what && !keptFrom.includes(passes)) problem = actedOn(problem, what);
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
  const often = { since: at(0), passes: 2, acted: 0 };
  assert.is(actionFor(often, { failures: 2, action: 'restart' }, { isInBake: false, isCounted: false }), null);
});

test('S10: what was kept from beginning, as by another run, is tried by the next pass', () => {
  assert.is(done('restart', false, [2]), '- re re - re -');
  assert.is(done('restart', false, [2, 3, 4]), '- re re re re -');
  assert.is(done('rollback', false, [2, 3]), '- ro ro ro - -');
});

test('S10: a rollback that ended before it changed anything is to be tried again, unless it is not permitted', () => {
  assert.is(begun('interrupted', 'interrupted'), false);
  assert.is(begun('refused', 'timeout'), false);
  assert.is(begun('refused', 'permission'), true);
  for (const outcome of ['deployed', 'rolled_back', 'failed'] as const) assert.ok(isBegun(documentWith({ outcome })));
});

function begun(outcome: Outcome, reason: Reason): boolean {
  return isBegun(documentWith({ outcome, failure: { ...gateFailure, reason } }));
}

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

test('R5: what nobody could be told of is told again, as of when it was; what nobody heard of has no end', () => {
  const alert = { severity: 'warning' as const, message: 'down' };
  const { alerts: first, open } = changesOf({}, { service: alert }, now);
  const untold = withUntold(open, {}, first);
  const again = changesOf(untold, { service: alert }, now + minute);
  assert.equal(again.alerts, [{ key: 'service', ...alert, state: 'raised', since: at(0) }]);
  assert.equal(again.open, open);
  assert.equal(changesOf(untold, {}, now + minute), { alerts: [], open: {} });
  const over = changesOf(open, {}, now + minute);
  const kept = withUntold(over.open, open, over.alerts);
  assert.equal(changesOf(kept, {}, now + hour).alerts, over.alerts);
  assert.equal(
    changesOf(kept, { service: alert }, now + hour).alerts,
    [],
    'who was told that it is down heard of no end',
  );
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
  assert.equal(await readPastRuns(paths, newer, now), { deployedMs: null, recoveries: [], proven: null });
  await leave(paths, 5 * hour, { from: older, to: newer, active: newer });
  await leave(paths, 2 * hour, { kind: 'recovery', from: newer, to: newer, active: newer });
  await leave(paths, hour, { outcome: 'rolled_back', from: newer, to: older, active: newer });
  const { deployedMs, recoveries } = await readPastRuns(paths, newer, now);
  assert.equal([deployedMs, recoveries.length], [5 * hour - minute, 1]);
  assert.is((await readPastRuns(paths, older, now)).deployedMs, null);
  assert.is((await readPastRuns(paths, newer, now - 6 * hour)).deployedMs, 0, 'the clock went back');
  await leave(paths, 10 * minute, { kind: 'rollback', from: older, to: newer, active: newer });
  assert.is((await readPastRuns(paths, newer, now)).deployedMs, null, 'it came by a rollback');
  assert.is((await readPastRuns(paths, newer, now + 23 * hour)).recoveries.length, 0);
});

test('S10: what was counted before a gate saw the service well is not held against what came by it', async (t) => {
  const paths = await makeState(t);
  const target = { ...inputsOf('20260203-151120-4f2a').target, builds: await makeDirectory(t) };
  const place = { paths, target, signal: openController().signal };
  const service = { since: at(0), passes: 2, acted: 1 };
  const passesAfter = async (changed: Partial<RunDocument>): Promise<number | undefined> => {
    const { before } = await readKnown(place);
    await writeState(paths, { ...before, problems: { service, disk: service } });
    await leaveRun(paths, await nextRunId(paths), changed);
    const known = await readKnown(place);
    assert.is(known.before.problems.disk?.passes, 2);
    assert.is((await whyOutdated(place, { ...known, before })) === null, known.before.problems.service !== undefined);
    assert.is(await whyOutdated(place, known), null);
    return known.before.problems.service?.passes;
  };
  assert.is(await passesAfter({ outcome: 'deployed' }), undefined);
  assert.is(await passesAfter({ outcome: 'refused', failure: gateFailure }), 2);
  assert.is(await passesAfter({ kind: 'recovery', outcome: 'deployed' }), 2);
  const cause = { by: 'monitor', reason: 'health', message: 'down', since: at(0), evidence: null } as const;
  assert.is(await passesAfter({ kind: 'rollback', outcome: 'deployed', cause }), 2, 'its own act');
  assert.is(await passesAfter({ outcome: 'rolled_back', failure: gateFailure }), undefined);
  assert.is(await passesAfter({ kind: 'rollback', outcome: 'deployed' }), undefined);
  const last = { ...(await readKnown(place)).before, problems: { service } };
  await writeState(paths, last);
  await rm(paths.runs, { recursive: true });
  assert.equal((await readKnown(place)).before, last, 'its ledgers were pruned');
  const { proven, ...earlier } = last;
  assert.ok(proven);
  await leaveRun(paths, await nextRunId(paths), { outcome: 'deployed' });
  await writeState(paths, { ...earlier, problems: { service } });
  assert.is((await readKnown(place)).before.problems.service?.passes, 2, 'of an earlier version');
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
