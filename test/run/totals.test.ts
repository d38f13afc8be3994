import { execFileSync } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { openLedger } from '../../lib/run/ledger.ts';
import { ledgerPath, type StatePaths } from '../../lib/run/state.ts';
import type { Tally } from '../../lib/run/tally.ts';
import { foldLedgers, readTotals } from '../../lib/run/totals.ts';
import { suite } from '../suite.ts';
import { documentWith, gateFailure, leaveRun, makeState, openTestLedger, inputsOf } from './samples.ts';

const test = suite('run/totals');

const runId = (number: number): string => `20260203-15${String(number).padStart(4, '0')}-00aa`;
const back = { outcome: 'rolled_back', failure: gateFailure } as const;

function countOf({ runs }: Tally, outcome: string): number {
  return runs.filter((row) => row.outcome === outcome).reduce((sum, { count }) => sum + count, 0);
}

/** Ten runs: every third one went back. */
async function leaveTen(paths: StatePaths): Promise<string[]> {
  const ids = Array.from({ length: 10 }, (_, at) => runId(at + 1));
  for (const [at, run] of ids.entries()) await leaveRun(paths, run, at % 3 === 2 ? back : {});
  return ids;
}

const remove = (paths: StatePaths, runs: string[]): Promise<void[]> =>
  Promise.all(runs.map((run) => rm(ledgerPath(paths, run))));

test('R4: the totals are those of the ledgers, and stay the same when ledgers are folded and removed', async (t) => {
  const paths = await makeState(t);
  assert.equal((await readTotals(paths)).runs, []);
  const ids = await leaveTen(paths);
  const before = await readTotals(paths);
  assert.equal([countOf(before, 'deployed'), countOf(before, 'rolled_back')], [7, 3]);
  assert.equal(before.failures, [{ reason: 'health', count: 3 }]);
  assert.equal([before.durations[0]?.count, before.durations[0]?.sum_ms], [10, 8_120]);
  assert.equal([before.downtimes[0]?.count, before.downtimes[0]?.sum_ms], [10, 3_010]);
  // Not the oldest first: a prune keeps ledgers that prove a build.
  for (const going of [ids.slice(2, 5), ids.slice(0, 1), ids.slice(6)]) {
    await foldLedgers(paths, going);
    assert.equal(sorted(await readTotals(paths)), sorted(before), 'folded, and not removed yet');
    await remove(paths, going);
    assert.equal(sorted(await readTotals(paths)), sorted(before), 'removed');
  }
  await leaveRun(paths, runId(20), {});
  assert.is(countOf(await readTotals(paths), 'deployed'), 8);
});

test('R4: a prune that died between counting and removing counts nothing twice when it comes again', async (t) => {
  const paths = await makeState(t);
  const ids = await leaveTen(paths);
  const before = sorted(await readTotals(paths));
  for (let times = 0; times < 3; times += 1) await foldLedgers(paths, ids);
  await remove(paths, ids.slice(0, 4));
  await foldLedgers(paths, ids.slice(3, 8));
  await remove(paths, ids.slice(4));
  assert.equal(sorted(await readTotals(paths)), before);
  const { counted } = JSON.parse(await readFile(join(paths.directory, 'totals.json'), 'utf8')) as { counted: string[] };
  await leaveRun(paths, runId(30), {});
  await foldLedgers(paths, [runId(30)]);
  const after = JSON.parse(await readFile(join(paths.directory, 'totals.json'), 'utf8')) as { counted: string[] };
  assert.equal([counted.length > 1, after.counted], [true, [runId(30)]], 'what is gone need not be remembered');
});

test('R4: a run counts once it has an outcome, one that was settled after a prune too', async (t) => {
  const paths = await makeState(t);
  const ledger = await openTestLedger(t, paths, runId(1));
  await ledger.write({ type: 'begin', inputs: inputsOf(runId(1)) });
  await foldLedgers(paths, [runId(1)]);
  assert.equal((await readTotals(paths)).runs, []);
  await leaveRun(paths, runId(1), back);
  assert.is(countOf(await readTotals(paths), 'rolled_back'), 1);
});

test('R4: totals that are torn, foreign, of another version or no file count as none, and are written anew', async (t) => {
  const paths = await makeState(t);
  const ids = await leaveTen(paths);
  const file = join(paths.directory, 'totals.json');
  const before = sorted(await readTotals(paths));
  await foldLedgers(paths, ids.slice(0, 2));
  const good = await readFile(file, 'utf8');
  const odd = [
    '',
    'null',
    '[]',
    '"x"',
    good.slice(0, -20),
    good.replace('"version":1', '"version":2'),
    good.replace(/"count":\d+/, '"count":-1'),
    good.replace(/"count":\d+/, '"count":null'),
    good.replace('"within":[', '"within":[0,'),
    good.replace(/"runs":\[/, '"runs":[null,'),
    good.replace('"tally"', '"tale"'),
  ];
  for (const text of odd) {
    assert.is.not(text, good);
    await writeFile(file, text);
    assert.equal(sorted(await readTotals(paths)), before, text);
    await foldLedgers(paths, ids.slice(0, 2));
    assert.is(await readFile(file, 'utf8'), good, text);
  }
});

test('R4: a document whose numbers are none counts, and adds nothing', async (t) => {
  const paths = await makeState(t);
  await leaveRun(paths, runId(1), { duration_ms: Number.NaN, downtime_ms: -5, started_at: 'yesterday' });
  const { runs, durations, downtimes } = await readTotals(paths);
  assert.equal(runs, [{ kind: 'deploy', outcome: 'deployed', count: 1, last_ended_ms: 0 }]);
  assert.equal([durations[0]?.count, durations[0]?.sum_ms, downtimes], [1, 0, []]);
});

test('R4: a reader beside a prune never sees a counter go back', async (t) => {
  const paths = await makeState(t);
  await mkdir(paths.runs, { recursive: true });
  let newest = 0;
  const state = { isOver: false };
  const work = async (): Promise<void> => {
    for (let round = 0; round < 30; round += 1) {
      for (let more = 0; more < 3; more += 1) await leaveRun(paths, runId((newest += 1)), {});
      const going = [newest - 2, newest - 1].map(runId);
      await foldLedgers(paths, going);
      await remove(paths, going);
    }
    state.isOver = true;
  };
  const read = async (): Promise<void> => {
    let most = 0;
    while (!state.isOver) {
      const count = countOf(await readTotals(paths), 'deployed');
      assert.ok(count >= most, `${most}, then ${count}`);
      most = count;
    }
  };
  await Promise.all([work(), read(), read()]);
  assert.is(countOf(await readTotals(paths), 'deployed'), 90);
});

/** An attempt of a recovery, which takes 812 ms. */
async function leaveAttempt(
  paths: StatePaths,
  run: string,
  { id, isLast, outcome }: { id: string; isLast: boolean; outcome: 'deployed' | 'failed' },
): Promise<void> {
  const startedAt = run.replace(/^(....)(..)(..)-(..)(..)(..)-.*/, '$1-$2-$3T$4:$5:$6.000Z');
  const inputs = inputsOf(run, { kind: 'recovery', startedAt, recovery: { id, isLast } });
  const ledger = await openLedger(paths, run);
  await ledger.write({ type: 'begin', inputs });
  await ledger.write({ type: 'outcome', document: documentWith({ outcome }, inputs) });
  await ledger.close();
}

test('R4: a recovery counts once, whatever a prune takes of its attempts first, and not while it goes on', async (t) => {
  const paths = await makeState(t);
  const [one, two, three] = ['one', 'two', 'three'];
  const attempts: [number, string, boolean, 'deployed' | 'failed'][] = [
    [100, one, false, 'failed'],
    [130, one, false, 'failed'],
    [200, one, false, 'deployed'],
    [300, two, false, 'failed'],
    [330, two, true, 'failed'],
    [400, three, false, 'failed'],
  ];
  for (const [number, id, isLast, outcome] of attempts)
    await leaveAttempt(paths, runId(number), { id, isLast, outcome });
  const soon = Date.parse('2026-02-03T15:05:00.000Z');
  const { recoveries, recovery_durations: durations, runs } = await readTotals(paths, soon);
  const counts = recoveries.map(({ outcome, count }) => `${outcome} ${count}`);
  assert.equal(counts.toSorted(), ['failed 1', 'recovered 1']);
  assert.equal([durations[0]?.count, durations[0]?.sum_ms], [2, 60_812 + 30_812]);
  assert.is(
    runs.reduce((sum, { count }) => sum + count, 0),
    6,
    'each attempt is a run',
  );
  for (const going of [[100, 300], [330], [200], [130]].map((numbers) => numbers.map(runId))) {
    await foldLedgers(paths, going);
    assert.equal(sorted(await readTotals(paths, soon)).recoveries, recoveries.toSorted(byOutcome), 'folded');
    await remove(paths, going);
    assert.equal(sorted(await readTotals(paths, soon)).recoveries, recoveries.toSorted(byOutcome), 'removed');
  }
  const later = await readTotals(paths, soon + 2 * 3_600_000);
  assert.is(later.recoveries.find(({ outcome }) => outcome === 'failed')?.count, 2, 'nobody goes on with it');
});

test('R4: a pipe in the place of the totals is not waited for', async (t) => {
  const paths = await makeState(t);
  const before = await leaveTen(paths).then(() => readTotals(paths));
  execFileSync('mkfifo', [join(paths.directory, 'totals.json')]);
  assert.equal(sorted(await readTotals(paths)), sorted(before));
});

/** Rows stand in the order in which they were met. */
function sorted({ runs, recoveries, ...others }: Tally): Tally {
  return { ...others, runs: runs.toSorted(byOutcome), recoveries: recoveries.toSorted(byOutcome) };
}

function byOutcome(one: { outcome: string }, other: { outcome: string }): number {
  return one.outcome < other.outcome ? -1 : 1;
}
