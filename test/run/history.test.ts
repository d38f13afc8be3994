import { mkdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import {
  listRuns,
  newestProven,
  predecessorOf,
  provenBuilds,
  readRun,
  runsNewestFirst,
  wayBack,
} from '../../lib/run/history.ts';
import { newRunId } from '../../lib/run/inputs.ts';
import { ledgerPath } from '../../lib/run/state.ts';
import { rejection } from '../builds/directory.ts';
import { suite } from '../suite.ts';
import { leaveRun, makeState, newer, newest, older } from './samples.ts';

const test = suite('run/history');

test('S11: runs come newest first, and what is no ledger does not come', async (t) => {
  const paths = await makeState(t);
  assert.equal(await listRuns(paths), []);
  const runs = ['20260203-151120-ffff', '20260203-151121-0000', '20251231-235959-4f2a', '20260203-151120-00ab'];
  for (const run of runs) await leaveRun(paths, run, {});
  for (const name of [
    '20260203-151120-4f2.jsonl',
    'notes.txt',
    '20260204-151120-4f2a.jsonl~',
    '.20260204-151120-4f2a.jsonl',
  ])
    await writeFile(join(paths.runs, name), '');
  const sorted = ['20260203-151121-0000', '20260203-151120-ffff', '20260203-151120-00ab', '20251231-235959-4f2a'];
  assert.equal(await listRuns(paths), sorted);
  const read: string[] = [];
  for await (const { inputs } of runsNewestFirst(paths)) read.push(inputs.run);
  assert.equal(read, sorted);
});

test('S11: a ledger without a usable beginning is left out, and one that was cut off has no end', async (t) => {
  const paths = await makeState(t);
  await leaveRun(paths, '20260203-151120-0001', { active: newer });
  await leaveRun(paths, '20260203-151120-0002', null);
  await writeFile(ledgerPath(paths, '20260203-151120-0003'), '{"type":"beg');
  await writeFile(ledgerPath(paths, '20260203-151120-0004'), '');
  const read: string[] = [];
  for await (const { inputs, document } of runsNewestFirst(paths)) read.push(`${inputs.run} ${document?.outcome}`);
  assert.equal(read, ['20260203-151120-0002 undefined', '20260203-151120-0001 deployed']);
  assert.is(await readRun(paths, '20260203-151120-0003'), null);
  assert.is(await readRun(paths, '20260203-151120-9999'), null);
});

test('S8: proven is what was deployed and what was gone back to, the newest first and each once', async (t) => {
  const paths = await makeState(t);
  assert.equal(await provenBuilds(paths, 2), []);
  await leaveRun(paths, '20260203-100000-0000', { outcome: 'deployed', active: older });
  await leaveRun(paths, '20260203-110000-0000', { outcome: 'deployed', active: newer });
  await leaveRun(paths, '20260203-120000-0000', { outcome: 'rolled_back', to: newest, active: newer });
  assert.equal(await provenBuilds(paths, 5), [newer, older]);
  await leaveRun(paths, '20260203-130000-0000', { outcome: 'deployed', active: older });
  assert.equal(await provenBuilds(paths, 5), [older, newer]);
  assert.equal(await provenBuilds(paths, 1), [older]);
});

test('S8: a run that failed, was refused, changed nothing, was cut off or has no build proves nothing', async (t) => {
  const paths = await makeState(t);
  for (const [at, outcome] of (['failed', 'refused', 'unchanged', 'interrupted'] as const).entries())
    await leaveRun(paths, `20260203-10000${at}-0000`, { outcome, active: newest });
  await leaveRun(paths, '20260203-110000-0000', null);
  await leaveRun(paths, '20260203-120000-0000', { outcome: 'deployed', active: null });
  assert.equal(await provenBuilds(paths, 5), []);
});

test('S8: what served before is told by the run that brought a build, not by one that deployed it once more', async (t) => {
  const paths = await makeState(t);
  assert.is(await predecessorOf(paths, newer), null);
  await leaveRun(paths, '20260203-100000-0000', { from: older, to: newer, active: newer });
  await leaveRun(paths, '20260203-110000-0000', { from: newer, to: newer, active: newer });
  assert.is(await predecessorOf(paths, newer), older);
});

const [a, b, c, d] = [older, newer, newest, 'dist.20260205-080000'] as const;

for (const [what, acts, previous, left] of [
  ['a deploy of another', [[a], [a, b]], a, []],
  ['a rollback', [[a], [a, b], [b, '<', a]], null, [b]],
  ['one rollback after the other', [[a], [a, b], [b, c], [c, '<', b], [b, '<', a]], null, [b, c]],
  ['one rollback of three builds', [[a], [a, b], [b, c], [c, '<', b]], a, [c]],
  ['a rollback past a build', [[a], [a, b], [b, c], [c, '<', a]], null, [c, b]],
  ['a rollback, and a deploy of what it left', [[a], [a, b], [b, '<', a], [a, b]], a, []],
  ['a rollback, a deploy, and the way back from that', [[a], [a, b], [b, '<', a], [a, c], [c, '<', a]], null, [c, b]],
  ['a rollback to one that no run had brought', [[a], [a, b], [b, '<', d]], a, [b]],
  ['a rollback that had nothing to leave', [[a], [a, b], [null, '<', a]], null, [b]],
] as const) {
  test(`S8: the way back after ${what}`, async (t) => {
    const paths = await makeState(t);
    for (const [at, act] of acts.entries()) {
      const [from, to] = act.length === 1 ? [null, act[0]] : [act[0], act.at(-1) as string];
      const kind = act.length === 3 ? 'rollback' : 'deploy';
      await leaveRun(paths, `20260203-1${at}0000-0000`, { kind, from, to, active: to });
    }
    const inService = acts.at(-1)?.at(-1);
    const found = await wayBack(paths, (build) => build !== inService);
    assert.equal([found.build, [...found.left.keys()]], [previous, left]);
  });
}

test('S8: what a rollback left is asked of no ledger that was last written to before', async (t) => {
  const paths = await makeState(t);
  const acts = [
    ['20260203-100000-0000', { from: null, to: older, active: older }],
    ['20260203-110000-0000', { from: older, to: newer, active: newer }],
    ['20260203-120000-0000', { kind: 'rollback', from: newer, to: older, active: older }],
  ] as const;
  for (const [at, [run, ending]] of acts.entries()) {
    await leaveRun(paths, run, ending);
    await utimes(ledgerPath(paths, run), at + 1, at + 1);
  }
  const leftSince = async (sinceMs: number): Promise<string[]> => {
    const { left } = await wayBack(paths, () => false, sinceMs);
    return [...left.keys()];
  };
  assert.equal([await leftSince(0), await leftSince(2_500), await leftSince(3_500)], [[newer], [newer], []]);
});

test('R1: nothing goes back by itself to a build that a rollback left, where there is another', async (t) => {
  const paths = await makeState(t);
  await leaveRun(paths, '20260203-090000-0000', { from: null, to: older, active: older });
  await leaveRun(paths, '20260203-100000-0000', { from: older, to: newer, active: newer });
  await leaveRun(paths, '20260203-110000-0000', { from: newer, to: newest, active: newest });
  await leaveRun(paths, '20260203-120000-0000', { kind: 'rollback', from: newest, to: newer, active: newer });
  assert.is(await newestProven(paths, (build) => build !== newer), older);
  assert.is(await newestProven(paths, (build) => build === newest), newest, 'better than none');
  assert.is(await newestProven(paths, () => false), null);
});

test('S8: what served before is not told by a rollback', async (t) => {
  const paths = await makeState(t);
  await leaveRun(paths, '20260203-100000-0000', { from: older, to: newer, active: newer });
  await leaveRun(paths, '20260203-110000-0000', { from: newer, to: newest, active: newest });
  await leaveRun(paths, '20260203-120000-0000', { kind: 'rollback', from: newest, to: newer, active: newer });
  assert.is(await predecessorOf(paths, newer), older);
});

test('S11: a state directory that is none of ours to read is an error, not an empty history', async (t) => {
  const paths = await makeState(t);
  await mkdir(paths.directory, { recursive: true });
  await writeFile(paths.runs, 'a file');
  assert.is((await rejection(listRuns(paths))).code, 'ENOTDIR');
});

test('S10: ids of runs sort as the runs began, and have the form of the contract', () => {
  const begin = Date.UTC(2026, 1, 3, 15, 11, 20);
  const ids = [0, 1, 9, 10, 99, 500, 998, 999, 1000, 1001, 60_000, 86_400_000].map((ms) =>
    newRunId(null, new Date(begin + ms)),
  );
  assert.equal(ids, ids.toSorted());
  for (const id of ids) assert.match(id, /^\d{8}-\d{6}-[0-9a-f]{4}$/);
  assert.match(ids[0] ?? '', /^20260203-151120-00/);
  const back = new Date(begin - 3_600_000);
  assert.is(newRunId('20260203-151120-00ff', back), '20260203-151120-0100', 'the clock went backwards');
  assert.is(newRunId('20260203-235959-ffff', back), '20260204-000000-0000');
  assert.match(newRunId(null), /^\d{8}-\d{6}-[0-9a-f]{4}$/);
});
