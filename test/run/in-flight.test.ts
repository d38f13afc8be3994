import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, stat, writeFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { poll } from '../../lib/base/wait.ts';
import { clearInFlight, isAlive, readInFlight, stageInFlight } from '../../lib/run/in-flight.ts';
import { describeProcess } from '../../lib/systemd/processes.ts';
import { rejection } from '../builds/directory.ts';
import { suite } from '../suite.ts';
import { makeState, markInFlight } from './samples.ts';

const test = suite('run/in-flight');
const run = '20260203-151120-4f2a';

test('S8: the mark names run and process, is for the owner alone, and goes', async (t) => {
  const paths = await makeState(t);
  await mkdir(paths.directory, { recursive: true });
  assert.is(await readInFlight(paths), null);
  await markInFlight(paths, run);
  const mark = await readInFlight(paths);
  assert.equal([mark?.run, mark?.pid], [run, process.pid]);
  assert.match(mark?.boot_id ?? '', /^[0-9a-f-]{36}$/);
  assert.ok((mark?.start_ticks ?? 0) > 0);
  assert.is((await stat(paths.inFlight)).mode & 0o777, 0o600);
  await clearInFlight(paths);
  await clearInFlight(paths);
  assert.is(await readInFlight(paths), null);
});

test('S8: our own mark is alive; one of another boot, or of a pid that came round again, is not', async (t) => {
  const paths = await makeState(t);
  await mkdir(paths.directory, { recursive: true });
  await markInFlight(paths, run);
  const mark = await readInFlight(paths);
  assert.ok(mark);
  assert.is(await isAlive(mark), true);
  assert.is(await isAlive({ ...mark, boot_id: '00000000-0000-0000-0000-000000000000' }), false);
  assert.is(await isAlive({ ...mark, start_ticks: mark.start_ticks - 1 }), false);
  assert.is(await isAlive({ ...mark, pid: 2 ** 22 + 1 }), false);
  assert.is(await isAlive({ ...mark, pid: 0 }), false);
});

test('S8: a process that was killed is not alive', async (t) => {
  const paths = await makeState(t);
  await mkdir(paths.directory, { recursive: true });
  await markInFlight(paths, run);
  const mark = await readInFlight(paths);
  const child = spawn('sleep', ['60']);
  t.cleanup(() => child.kill('SIGKILL'));
  await once(child, 'spawn');
  const pid = child.pid ?? 0;
  const held = {
    run,
    since: '',
    boot_id: mark?.boot_id ?? '',
    pid,
    start_ticks: (await describeProcess(pid))?.startTicks ?? 0,
  };
  assert.is(await isAlive(held), true);
  child.kill('SIGKILL');
  await once(child, 'exit');
  assert.is(await isAlive(held), false);
});

test('S8: a process that has ended is not alive, although its parent never asked how', async (t) => {
  const paths = await makeState(t);
  await mkdir(paths.directory, { recursive: true });
  await markInFlight(paths, run);
  const mark = await readInFlight(paths);
  // What the shell becomes knows nothing of the child that it has, and never waits for it; the shell itself still would.
  const parent = spawn('bash', ['-c', 'sleep 60 & echo $!; exec sleep 61'], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.cleanup(() => parent.kill('SIGKILL'));
  const pid = Number(String((await once(parent.stdout, 'data'))[0]));
  const hasBecome = async () => (await describeProcess(parent.pid ?? 0))?.command === 'sleep 61' || undefined;
  await poll({ everyMs: 5, signal: t.signal }, hasBecome);
  const held = {
    run,
    since: '',
    boot_id: mark?.boot_id ?? '',
    pid,
    start_ticks: (await describeProcess(pid))?.startTicks ?? 0,
  };
  assert.is(await isAlive(held), true);
  process.kill(pid, 'SIGKILL');
  const isZombie = async (): Promise<true | undefined> => (await describeProcess(pid))?.isZombie || undefined;
  await poll({ everyMs: 5, signal: t.signal }, isZombie);
  assert.is(await isAlive(held), false);
});

test('S8: a mark that cannot be read still says that something may have changed', async (t) => {
  const paths = await makeState(t);
  await mkdir(paths.directory, { recursive: true });
  for (const text of ['', '\0\0\0', '{"run":"2026', 'x']) {
    await writeFile(paths.inFlight, text);
    const mark = await readInFlight(paths);
    assert.is(mark?.run, 'unknown', JSON.stringify(text));
    assert.is(mark && (await isAlive(mark)), false);
  }
});

test('S8: a pipe in the place of the mark is not waited for', async (t) => {
  const paths = await makeState(t);
  await mkdir(paths.directory, { recursive: true });
  execFileSync('mkfifo', [paths.inFlight]);
  assert.is((await readInFlight(paths))?.run, 'unknown');
});

test('S8: a mark that cannot be set says why', async (t) => {
  const paths = await makeState(t);
  assert.is((await rejection(stageInFlight(paths, run))).code, 'ENOENT');
});

test('S8: a directory in the place of the mark is told with what to type', async (t) => {
  const paths = await makeState(t);
  await mkdir(paths.inFlight, { recursive: true });
  const error = await rejection(readInFlight(paths));
  assert.equal([error.code, error.message], ['refused', `cannot read ${paths.inFlight}: it is a directory`]);
  assert.is(error.mend, `mv ${paths.inFlight} ${paths.inFlight}.saved`);
});
