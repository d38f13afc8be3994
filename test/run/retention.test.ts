import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { listRuns, wayBack } from '../../lib/run/history.ts';
import {
  evidenceToGo,
  failuresKept,
  ledgersKept,
  ledgersToStay,
  listEvidence,
  type PastRun,
  provenIn,
  readPast,
  recordPaths,
  type RecordFacts,
  servedBefore,
} from '../../lib/run/retention.ts';
import { suite } from '../suite.ts';
import { leaveRun, makeState, newer, newest, older } from './samples.ts';

const test = suite('run/retention');

/** Runs 1, 2, 3 … by age. */
const runId = (number: number): string => `20260203-15${String(number).padStart(4, '0')}-00aa`;

function pastRun(number: number, changed: Partial<PastRun> = {}): PastRun {
  const nothing = { isUnderstood: true, proves: [], from: null, to: null, back: null, active: null, isWayBack: false };
  return { run: runId(number), ...nothing, ...changed };
}

function factsOf(past: PastRun[], changed: Partial<RecordFacts> = {}): RecordFacts {
  const known = { builds: new Set([older, newer]), current: newer, inFlight: null, quarantine: {}, evidence: [] };
  return { past: past.toReversed(), ...known, ...changed };
}

const many = (count: number, from = 1): PastRun[] => Array.from({ length: count }, (_, at) => pastRun(from + at));

test('P5: the newest ledgers stay, whatever is in them', () => {
  const stay = ledgersToStay(factsOf(many(250)));
  assert.is(stay.size, ledgersKept);
  assert.ok(stay.has(runId(250)) && stay.has(runId(151)) && !stay.has(runId(150)));
});

test('S8: the ledger that proves a build stays as long as the build is there, and only the newest proof', () => {
  const old = [
    pastRun(1, { proves: [older], active: older }),
    pastRun(2, { proves: [older], active: older }),
    pastRun(3, { proves: [newest], active: newest }),
  ];
  const stay = ledgersToStay(factsOf([...old, ...many(200, 100)]));
  assert.equal(
    [1, 2, 3].map((number) => stay.has(runId(number))),
    [false, true, false],
  );
});

test('S8: the newest ledger that names current stays, and the one in flight, of a quarantine, and of evidence', () => {
  const old = [
    pastRun(1, { from: newer }),
    pastRun(2, { to: newer }),
    pastRun(3, {}),
    pastRun(4, {}),
    pastRun(5, {}),
    pastRun(6, {}),
    pastRun(7, { isUnderstood: false }),
  ];
  const quarantine = {
    [older]: { run: runId(4), reason: 'health' as const, since: '' },
    'dist.20200101-000000': { run: runId(6), reason: 'health' as const, since: '' },
  };
  const evidence = [runId(5)];
  const stay = ledgersToStay(factsOf([...old, ...many(200, 100)], { inFlight: runId(3), quarantine, evidence }));
  assert.equal(
    [1, 2, 3, 4, 5, 6, 7].map((number) => stay.has(runId(number))),
    [false, true, true, true, true, false, true],
  );
});

const [a, b, c] = [older, newer, newest];

for (const [what, acts] of [
  ['that led one back', [[a], [a, b], [b, c], [c, '<', b]]],
  ['that led past a build', [[a], [a, b], [b, c], [c, b], [b, '<', a]]],
  ['after a rollback', [[a], [a, b], [b, c], [c, '<', b], [b, '<', a]]],
  ['that had nothing to leave', [[a], [a, b], [null, '<', a]]],
  ['whose build was deployed again', [[a], [a, b], [b, '<', a], [a, b]]],
] as const) {
  test(`S8: what a rollback left is known for as long as it is there: one ${what}`, async (t) => {
    const paths = await makeState(t);
    for (const [at, act] of acts.entries()) {
      const [from, to] = act.length === 1 ? [null, act[0]] : [act[0], act.at(-1) as string];
      const kind = act.length === 3 ? 'rollback' : 'deploy';
      await leaveRun(paths, runId(at + 1), { kind, from, to, active: to });
    }
    const current = acts.at(-1)?.at(-1) ?? null;
    const before = await wayBack(paths, (build) => build !== current);
    // What a monitor brings up again, over and over, is proven each time.
    const recoveries = many(200, 100).map((run) => ({ ...run, proves: [current ?? ''], active: current }));
    const past = [...recoveries.toReversed(), ...(await readPast(paths))];
    const stay = ledgersToStay(factsOf([], { past, builds: new Set([a, b, c]), current }));
    for (const run of await listRuns(paths)) if (!stay.has(run)) await rm(recordPaths(paths, run).ledger);
    assert.equal(await wayBack(paths, (build) => build !== current), before);
  });
}

test('P5: the ledger of a rollback goes with the builds that it left, and where a later run proved them', () => {
  const back = { proves: [older], active: older, from: newer, to: older, isWayBack: true };
  const old = [pastRun(1, back), pastRun(2, { proves: [newer], active: newer }), pastRun(3, back)];
  const recoveries = many(200, 100).map((run) => ({ ...run, proves: [older], active: older }));
  const staying = (builds: string[]): boolean[] => {
    const stay = ledgersToStay(factsOf([...old, ...recoveries], { builds: new Set(builds), current: older }));
    return [1, 2, 3].map((number) => stay.has(runId(number)));
  };
  assert.equal(staying([older]), [false, false, false]);
  assert.equal(staying([older, newer]), [true, true, true], 'the first is the time that the second led back to');
});

test('P5: evidence stays for the last failures, and for the run in flight', () => {
  const evidence = Array.from({ length: failuresKept + 3 }, (_, at) => runId(100 - at));
  assert.equal(evidenceToGo(factsOf([], { evidence })), [80, 79, 78].map(runId));
  assert.equal(evidenceToGo(factsOf([], { evidence, inFlight: runId(79) })), [80, 78].map(runId));
  assert.equal(evidenceToGo(factsOf([], { evidence: evidence.slice(0, failuresKept) })), []);
});

test('S8: ledgers are read for what they prove, torn and foreign ones told apart', async (t) => {
  const paths = await makeState(t);
  await leaveRun(paths, runId(1), { outcome: 'deployed', active: older });
  await leaveRun(paths, runId(2), { outcome: 'rolled_back', active: older });
  await leaveRun(paths, runId(3), { outcome: 'deployed', active: newer });
  await leaveRun(paths, runId(4), { outcome: 'failed', active: newest });
  await leaveRun(paths, runId(5), null);
  await writeFile(join(paths.runs, `${runId(6)}.jsonl`), '{"at":"20');
  await writeFile(join(paths.runs, 'notes.txt'), 'mine');
  const past = await readPast(paths);
  assert.equal(
    past.map(({ run, isUnderstood, proves }) => [run, isUnderstood, proves]),
    [
      [runId(6), false, []],
      [runId(5), true, []],
      [runId(4), true, []],
      [runId(3), true, [newer]],
      [runId(2), true, [older]],
      [runId(1), true, [older]],
    ],
  );
  assert.equal(provenIn(past), [newer, older]);
});

test('S8: what served before is what the run that brought current came from', () => {
  const past = [
    pastRun(4, { from: newer, to: newer, active: newer, proves: [newer] }),
    pastRun(3, { from: newest, to: newer, back: newest, active: newer }),
    pastRun(2, { from: older, to: newer, back: newest, active: newer, proves: [newer] }),
    pastRun(1, { from: null, to: older, active: older, proves: [older] }),
  ];
  assert.equal(servedBefore(past, newer), [older, newest], 'the run that proved it, not one that came to nothing');
  assert.equal(servedBefore(past, older), [], 'the first one');
  assert.equal(servedBefore([], newer), []);
});

test('P5: only folders named after runs are evidence', async (t) => {
  const paths = await makeState(t);
  assert.equal(await listEvidence(paths), []);
  for (const name of [runId(1), runId(3), runId(2), 'mine', '.20260203-150001-00aa', `${runId(4)}.old`]) {
    await mkdir(join(paths.evidence, name), { recursive: true });
  }
  assert.equal(await listEvidence(paths), [3, 2, 1].map(runId));
  assert.equal(await readPast(paths), []);
});
