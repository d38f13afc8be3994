import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import * as assert from 'uvu/assert';
import { CutoverError } from '../../lib/base/errors.ts';
import { exec } from '../../lib/base/exec.ts';
import { openController, poll } from '../../lib/base/wait.ts';
import { ownName } from '../../lib/run/in-flight.ts';
import { type Holder, holderText, isHeld, takeLock } from '../../lib/run/lock.ts';
import { type StatePaths, statePathsIn } from '../../lib/run/state.ts';
import { asNobody, makeTmpfs } from '../base/tmpfs.ts';
import { rejection } from '../builds/directory.ts';
import { suite, type TestContext } from '../suite.ts';
import { makeState } from './samples.ts';

const test = suite('run/lock');
const url = (path: string): string => JSON.stringify(new URL(`../../lib/${path}`, import.meta.url).href);
const request = { doing: 'deploy of a test', waitMs: 0, signal: openController().signal, onWaiting: () => {} };

/** Says what it got and with "taken" keeps it until it is told to stop; "child" starts a child that outlives it. */
const taker = `
  const { takeLock } = await import(${url('run/lock.ts')});
  const { statePathsIn } = await import(${url('run/state.ts')});
  const { spawn } = await import('node:child_process');
  const [directory, waitMs, when, child] = process.argv.slice(1);
  const say = (text) => process.stdout.write(text + '\\n');
  const begin = async () => {
    try {
      const lock = await takeLock(statePathsIn(directory), {
        doing: 'deploy of another',
        waitMs: Number(waitMs),
        signal: new AbortController().signal,
        onWaiting: (holder) => say('waiting ' + holder),
      });
      if (child) say('child ' + spawn('sleep', ['60'], { detached: true, stdio: 'inherit' }).pid);
      say('taken');
      process.stdin.on('data', async () => {
        await lock.release();
        say('released');
      });
    } catch (error) {
      say(error.code + ' ' + error.message);
    }
  };
  if (when === 'at once') begin();
  else {
    say('ready');
    process.stdin.once('data', begin);
  }
`;

/** A process of its own that takes the lock; \`next\` is what it says next. */
function startTaker(t: TestContext, paths: StatePaths, { waitMs = 0, isReady = false, child = '' } = {}) {
  const words = [paths.directory, String(waitMs), isReady ? 'when told' : 'at once', child];
  const taking = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', taker, '--', ...words], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  t.cleanup(() => taking.kill('SIGKILL'));
  const lines = createInterface({ input: taking.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<string> => {
    const { value } = await lines.next();
    return String(value);
  };
  return { taking, next, tell: () => taking.stdin.write('x') };
}

test('S8: who has it is told: doing what, pid, user, since when', async (t) => {
  const paths = await makeState(t);
  const lock = await takeLock(paths, request);
  const holder = JSON.parse(await readFile(paths.lock, 'utf8')) as Holder;
  assert.equal([holder.pid, holder.doing], [process.pid, 'deploy of a test']);
  assert.ok(Math.abs(Date.parse(holder.since) - Date.now()) < 60_000);
  const { next } = startTaker(t, paths);
  const said = await next();
  assert.match(said, /^locked another run holds the target: deploy of a test/);
  for (const fact of [`pid ${process.pid}`, `user ${holder.user}`, `since ${holder.since}`]) assert.match(said, fact);
  const error = await rejection(takeLock(paths, request));
  assert.ok(error instanceof CutoverError);
  assert.equal([error.code, error.exitCode], ['locked', 75]);
  assert.match(error.mend ?? '', '--wait');
  await lock.release();
  await (await takeLock(paths, request)).release();
});

test('S8: what a lock file says of its holder reaches no terminal as a command, and stays one line', () => {
  const since = '2026-02-03T15:11:16.000Z';
  const holder: Holder = {
    ...ownName(),
    pid: 7,
    doing: '\u001b]0;mine\u0007deploy\r\n\u009b2Jof a test',
    since,
    user: 'a\u001b[1A',
  };
  assert.is(holderText(holder), `deploy of a test (pid 7, user a, since ${since})`);
});

test('S8: the state is made where it is missing, for the owner alone, and the lock file stays', async (t) => {
  const paths = await makeState(t);
  await (await takeLock(paths, request)).release();
  assert.is((await stat(paths.directory)).mode & 0o777, 0o700);
  assert.is((await stat(paths.lock)).mode & 0o777, 0o600);
});

test('S8: of twenty processes that want it at the same moment one has it', async (t) => {
  const paths = await makeState(t);
  const takers = Array.from({ length: 20 }, () => startTaker(t, paths, { isReady: true }));
  for (const { next } of takers) assert.is(await next(), 'ready');
  for (const { tell } of takers) tell();
  const said = await Promise.all(takers.map(({ next }) => next()));
  assert.is(said.filter((text) => text === 'taken').length, 1, said.join('\n'));
  assert.is(said.filter((text) => text.startsWith('locked ')).length, 19, said.join('\n'));
  const winner = takers[said.indexOf('taken')];
  const { pid } = JSON.parse(await readFile(paths.lock, 'utf8')) as Holder;
  assert.is(pid, winner?.taking.pid);
});

test('S8: a holder that is killed frees it, and its text tells nobody wrong', async (t) => {
  const paths = await makeState(t);
  const { taking, next } = startTaker(t, paths);
  assert.is(await next(), 'taken');
  taking.kill('SIGKILL');
  await once(taking, 'exit');
  const lock = await takeLock(paths, request);
  t.cleanup(() => lock.release());
  assert.match((await rejection(takeLock(paths, request))).message, `pid ${process.pid}`);
});

test('S8: after a boot the pid of the last holder may be another process: it does not hold the target', async (t) => {
  const paths = await makeState(t);
  const lock = await takeLock(paths, request);
  assert.is(await isHeld(paths), true);
  const holder = JSON.parse(await readFile(paths.lock, 'utf8')) as Holder;
  const boot_id = '00000000-0000-4000-8000-000000000000';
  const { start_ticks = 0 } = holder;
  for (const other of [{ boot_id }, { start_ticks: start_ticks - 1 }]) {
    await writeFile(paths.lock, JSON.stringify({ ...holder, ...other }));
    assert.is(await isHeld(paths), false, JSON.stringify(other));
  }
  // As earlier versions wrote it.
  await writeFile(paths.lock, JSON.stringify({ ...holder, boot_id: undefined, start_ticks: undefined }));
  assert.is(await isHeld(paths), true);
  await lock.release();
});

test('S8: a child of the holder that outlives it does not keep it', async (t) => {
  const paths = await makeState(t);
  const { taking, next } = startTaker(t, paths, { child: 'child' });
  const pid = Number((await next()).replace('child ', ''));
  t.cleanup(() => process.kill(pid, 'SIGKILL'));
  assert.is(await next(), 'taken');
  taking.kill('SIGKILL');
  await once(taking, 'exit');
  assert.is(process.kill(pid, 0), true);
  await (await takeLock(paths, request)).release();
});

test('S8: who waits is told once for whom, and gets it when that one is done', async (t) => {
  const paths = await makeState(t);
  const holder = startTaker(t, paths);
  assert.is(await holder.next(), 'taken');
  const told: string[] = [];
  const waiting = takeLock(paths, { ...request, waitMs: 30_000, onWaiting: (text) => void told.push(text) });
  await poll({ everyMs: 5, signal: t.signal }, async () => told[0]);
  holder.tell();
  const lock = await waiting;
  t.cleanup(() => lock.release());
  assert.is(told.length, 1);
  assert.match(told[0] ?? '', `deploy of another (pid ${holder.taking.pid}`);
  assert.is((JSON.parse(await readFile(paths.lock, 'utf8')) as Holder).pid, process.pid);
});

test('S8: who waits too long, or is interrupted, does not get it and leaves nothing that does', async (t) => {
  const paths = await makeState(t);
  const lock = await takeLock(paths, request);
  const began = performance.now();
  const late = await rejection(takeLock(paths, { ...request, waitMs: 200 }));
  assert.is(late.code, 'locked');
  assert.ok(performance.now() - began >= 200 && performance.now() - began < 30_000);
  const controller = openController();
  const reason = new CutoverError('interrupted', 'interrupted by SIGINT');
  const onWaiting = (): void => void setImmediate(() => controller.abort(reason));
  const interrupted = takeLock(paths, { ...request, waitMs: 60_000, signal: controller.signal, onWaiting });
  assert.is(await rejection(interrupted), reason);
  await lock.release();
  await (await takeLock(paths, request)).release();
});

test('S8: a process that is killed while it waits does not get it afterwards', async (t) => {
  const paths = await makeState(t);
  const lock = await takeLock(paths, request);
  const { taking, next } = startTaker(t, paths, { waitMs: 60_000 });
  assert.match(await next(), 'waiting another run');
  // Its flock(1) is at work once a second process waits in the kernel's list.
  await poll({ everyMs: 5, signal: t.signal }, async () => ((await waitersOf(paths)) > 0 ? true : undefined));
  taking.kill('SIGKILL');
  await once(taking, 'exit');
  await lock.release();
  const again = await takeLock(paths, { ...request, waitMs: 30_000 });
  await again.release();
});

/** How many wait for a lock on this file (proc_locks(5)). */
async function waitersOf(paths: StatePaths): Promise<number> {
  const { ino } = await stat(paths.lock);
  const locks = await readFile('/proc/locks', 'utf8');
  return locks.split('\n').filter((line) => line.includes('->') && line.includes(`:${ino} `)).length;
}

test('S8: a lock file with foreign text is no obstacle', async (t) => {
  const paths = await makeState(t);
  await mkdir(dirname(paths.lock), { recursive: true });
  await writeFile(paths.lock, 'x'.repeat(10_000));
  const holder = await exec(['flock', paths.lock, 'true'], { timeoutMs: 10_000 });
  assert.is(holder.code, 0);
  const lock = await takeLock(paths, request);
  t.cleanup(() => lock.release());
  assert.is((JSON.parse(await readFile(paths.lock, 'utf8')) as Holder).pid, process.pid);
});

test('S8: a state that one may not write is a question of who one is', async (t) => {
  const paths = await makeState(t);
  const error = await asNobody(() => rejection(takeLock(paths, request)));
  assert.is(error.code, 'permission');
  assert.match(error.message, paths.directory);
});

test('S8: a directory in the place of the lock is told with what to type', async (t) => {
  const paths = await makeState(t);
  await mkdir(paths.lock, { recursive: true });
  const error = await rejection(takeLock(paths, request));
  assert.equal([error.code, error.message], ['refused', `cannot open ${paths.lock}: it is a directory`]);
  assert.is(error.mend, `mv ${paths.lock} ${paths.lock}.saved`);
});

test('S8: on a read-only file system without a lock file only the emergency exit goes on, and is told why', async (t) => {
  const tmpfs = await makeTmpfs(t, 1_000_000);
  const paths = statePathsIn(join(tmpfs.path, 'production'));
  await mkdir(paths.directory);
  await tmpfs.remount('ro');
  const error = await rejection(takeLock(paths, request));
  assert.equal([error.code, error.message], ['permission', `cannot open ${paths.lock}: the file system is read-only`]);
  assert.is(error.mend, `mount -o remount,rw the file system of ${paths.directory}`, 'a path that is there');
  const told: string[] = [];
  const lock = await takeLock(paths, { ...request, onLockless: (why) => told.push(why) });
  assert.equal(told, [error.message]);
  await lock.release();
});

test('S8: a pipe in the place of the lock, or a link to what never ends, is held by nobody, and is not waited for', async (t) => {
  const paths = await makeState(t);
  await mkdir(paths.directory, { recursive: true });
  execFileSync('mkfifo', [paths.lock]);
  assert.is(await isHeld(paths), false);
  await rm(paths.lock);
  await symlink('/dev/zero', paths.lock);
  assert.is(await isHeld(paths), false);
});
