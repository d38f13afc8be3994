// needs: sandbox
// runs: alone
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { exec, type StartedProcess, start } from '../../lib/base/exec.ts';
import { poll } from '../../lib/base/wait.ts';
import type { ActDocument, DemoDocument, SideBySideDocument } from '../../lib/demo/document.ts';
import type { Slot } from '../../lib/demo/slots.ts';
import { repository } from '../sandboxed.ts';
import { suite, type TestContext } from '../suite.ts';

const test = suite('demo', { timeoutMs: 120_000 });

test('ends every act as it should, and leaves nothing behind', async (t) => {
  const mounts = await mountCount();
  const { started, folder } = await startDemo(t);
  const [stdout, stderr] = await Promise.all([textOf(started.stdout), textOf(started.stderr)]);
  const { code } = await started.ended;
  assert.is(code, 0, stderr);
  assert.is(stdout.trim().split('\n').length, 1, 'exactly one document');
  const { acts, builds, side_by_side, as_expected } = JSON.parse(stdout) as DemoDocument;
  assert.ok(as_expected);
  assert.equal(
    builds.map(({ letter }) => letter),
    ['A', 'B', 'C', 'D', 'E', 'F', 'G', 'H'],
  );
  assert.equal(
    acts.map(({ name, outcome, exit_code }) => [name, outcome, exit_code]),
    [
      ['first deploy', 'deployed', 0],
      ['good build', 'deployed', 0],
      ['crashes at start', 'rolled_back', 4],
      ['health says 500', 'rolled_back', 4],
      ['port is taken', 'failed', 3],
      ['repair', 'deployed', 0],
      ['rollback', 'deployed', 0],
    ],
  );
  assertStranger(acts);
  for (const act of acts.filter(({ name }) => name === 'good build' || name === 'rollback')) assertOnlyItsDowntime(act);
  const served = acts.map(({ timeline }) => asked(timeline.slots).at(-1)?.build);
  assert.equal(served, ['A', 'B', 'B', 'B', 'X', 'E', 'B']);
  assertSides(side_by_side);
  assert.equal(await tracesOf(started.pid, folder), []);
  assert.is(await mountCount(), mounts);
});

test('is ended by Ctrl-C, and leaves nothing behind', async (t) => {
  const { started, folder } = await startDemo(t);
  let told = '';
  started.stderr.on('data', (chunk: Buffer) => {
    told += chunk.toString();
  });
  started.stdout.resume();
  await poll({ everyMs: 20, signal: t.signal }, async () => (told.includes('3 of 8') ? true : undefined));
  started.kill('SIGINT');
  assert.is((await started.ended).code, 130, told);
  assert.equal(await tracesOf(started.pid, folder), []);
});

test('is ended during the boot too', async (t) => {
  const { started, folder } = await startDemo(t);
  const said = textOf(started.stderr);
  started.stdout.resume();
  await poll({ everyMs: 5, signal: t.signal }, async () => ((await readdir(folder)).length > 0 ? true : undefined));
  started.kill('SIGINT');
  assert.is((await started.ended).code, 130, await said);
  assert.equal(await tracesOf(started.pid, folder), []);
});

/** On a busy machine a column may be without a request. */
function asked(slots: readonly Slot[]): Slot[] {
  return slots.filter(({ state }) => state !== 'none');
}

function assertStranger(acts: readonly ActDocument[]): void {
  const taken = acts.find(({ name }) => name === 'port is taken');
  assert.is(taken?.run?.failure?.reason, 'port_taken');
  assert.match(taken?.run?.failure?.message ?? '', /pid \d+ \(.*\/srv\/other-app\/server\.mjs/);
  assert.is(taken?.stranger_alive, true, 'the stranger was not killed');
  assert.ok((taken?.load.wrong ?? 0) > 0, 'it answered the requests meanwhile');
  assert.is(acts.find(({ name }) => name === 'repair')?.stranger_alive, false, 'the demo itself ended it');
}

/** The same builds at the same moments: one service misses requests, the other does not. */
function assertSides({ as_expected, sides }: SideBySideDocument): void {
  assert.ok(as_expected);
  assert.equal(
    sides.map(({ strategy, runs }) => [strategy, ...runs.map(({ letter, exit_code }) => `${letter}: ${exit_code}`)]),
    [
      ['restart', 'G: 4', 'H: 0'],
      ['overlap', 'G: 4', 'H: 0'],
    ],
  );
  const [restart, overlap] = sides;
  const told = JSON.stringify(sides.map(({ load, marks }) => ({ load, marks })));
  assert.ok((restart?.load.failed ?? 0) > 50, told);
  assert.is(overlap?.load.failed, 0, told);
  assert.is(overlap?.downtime_ms, 0, told);
  assert.equal(restart?.timeline.slots.length, overlap?.timeline.slots.length);
  assert.is(restart?.timeline.from_ms, overlap?.timeline.from_ms);
  for (const { timeline, load, runs } of sides) {
    assert.is(asked(timeline.slots)[0]?.build, 'F');
    assert.is(asked(timeline.slots).at(-1)?.build, 'H');
    assert.not.ok(
      timeline.slots.some(({ build }) => build === 'G'),
      'the crashing build answered',
    );
    assert.ok(load.requests > 100, told);
    assert.equal(
      runs.map(({ run }) => run?.outcome),
      ['rolled_back', 'deployed'],
    );
  }
}

/**
 * Whatever failed was sent between the stop and the moment in which the new build listens. What waits to be accepted
 * when the old build closes its port was sent a little before. Of two that are on their way when the port opens, the one
 * that was sent first may be the one that is answered: then there are two gaps, side by side.
 */
function assertOnlyItsDowntime({ name, load, downtime_ms, marks }: ActDocument): void {
  const at = (label: string): number => marks.find((mark) => mark.label === label)?.at_ms ?? Number.NaN;
  const told = `${name}: ${JSON.stringify({ gaps: load.gaps, downtime_ms, marks })}`;
  assert.is(load.wrong, 0, told);
  const [begin, end] = [load.gaps.at(0)?.first_ms, load.gaps.at(-1)?.last_ms];
  // Where the clients stood still meanwhile, none was refused.
  if (begin === undefined || end === undefined) return;
  assert.ok(begin >= at('stop') - 1_000, told);
  assert.ok(end <= at('gate') + 5, told);
  assert.ok(end - begin <= (downtime_ms ?? 0) + 1_000, told);
}

async function startDemo(t: TestContext): Promise<{ started: StartedProcess; folder: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'demo-test-'));
  t.cleanup(() => rm(folder, { recursive: true, force: true }));
  const command = [process.execPath, join(repository, 'bin/cutover.js'), 'demo', '--json'] as const;
  const started = await start(command, { env: { TMPDIR: folder } });
  t.cleanup(async () => {
    started.kill('SIGKILL');
    await started.ended;
  });
  return { started, folder };
}

async function textOf(stream: AsyncIterable<unknown>): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  return text;
}

/** What a demo would leave: files in its temporary folder, processes and groups that carry its number. */
async function tracesOf(pid: number, folder: string): Promise<string[]> {
  const mark = `cutover-sandbox.${pid}.`;
  const files = await readdir(folder);
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const cgroups = await Promise.all(pids.map((one) => readFile(`/proc/${one}/cgroup`, 'utf8').catch(() => '')));
  const processes = pids.filter((_, index) => cgroups[index]?.includes(mark)).map((one) => `process ${one}`);
  // Groups of others come and go meanwhile, which find(1) only complains about.
  const groups = await exec(['find', '/sys/fs/cgroup', '-name', `${mark}*`], { timeoutMs: 30_000 });
  return [...files, ...processes, ...groups.stdout.split('\n').filter((path) => path !== '')];
}

async function mountCount(): Promise<number> {
  return (await readFile('/proc/self/mountinfo', 'utf8')).split('\n').length;
}
