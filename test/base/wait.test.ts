import { spawn } from 'node:child_process';
import { getEventListeners, once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { CutoverError } from '../../lib/base/errors.ts';
import {
  answerWithin,
  deadlineSignal,
  openController,
  poll,
  rejectionOf,
  sleep,
  untilAllIsRead,
  withDeadline,
} from '../../lib/base/wait.ts';
import { makeDirectory, rejection } from '../builds/directory.ts';
import { suite } from '../suite.ts';

const test = suite('base/wait');
const stopped = new CutoverError('interrupted', 'stopped');
const never = (): Promise<never> => new Promise(() => {});

/** How long something took, until its good or bad end. */
async function timeOf(work: Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work.catch(() => {});
  return performance.now() - began;
}

test('S12: work that is done in time gives its answer, and its wait is let go', async () => {
  let inner: AbortSignal | undefined;
  const answer = await withDeadline({ what: 'it did not come', timeoutMs: 5_000 }, async (signal) => {
    inner = signal;
    return 7;
  });
  assert.is(answer, 7);
  assert.is(inner?.aborted, true);
});

test('S12: work that is late ends with timeout, what to type, and an aborted signal', async () => {
  let inner: AbortSignal | undefined;
  const error = await rejection(
    withDeadline({ what: 'the answer did not come', timeoutMs: 30, mend: 'look there' }, (signal) => {
      inner = signal;
      return never();
    }),
  );
  assert.equal(
    [error.code, error.message, error.mend],
    ['timeout', 'the answer did not come within 0.03 s', 'look there'],
  );
  assert.is(inner?.aborted, true);
});

test('time that was spent before counts, and the whole of it is named', async () => {
  const began = performance.now();
  const asked = withDeadline(
    { what: 'it did not come', timeoutMs: 60_000, spentMs: 59_990 },
    () => new Promise(() => {}),
  );
  assert.match((await rejection(asked)).message, 'it did not come within 60 s');
  assert.ok(performance.now() - began < 30_000);
});

test('S12: an answer that came in time counts, though this process stood still until after the deadline', async (t) => {
  const cwd = await makeDirectory(t);
  const script = 'echo up; until [ -e go ]; do sleep 0.01; done; echo answer; : >said';
  const child = spawn('sh', ['-c', script], { cwd });
  t.cleanup(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  const deadline = deadlineSignal(300);
  const asked = withDeadline({ what: 'it did not come', timeoutMs: 300 }, () => once(child.stdout, 'data'));
  const isLate = once(child.stdout, 'data').then(() => deadline.aborted);
  writeFileSync(join(cwd, 'go'), '');
  const began = performance.now();
  const isOver = (): boolean => performance.now() - began > 1_000 && existsSync(join(cwd, 'said'));
  while (!isOver() && performance.now() - began < 30_000)
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
  assert.is(String(await asked), 'answer\n');
  assert.is(await isLate, false);
  await sleep(50);
  assert.ok(deadline.aborted);
});

test('S12: an answer that nobody can call off comes, fails, is late, or is no longer wanted', async () => {
  const [{ signal }, other] = [openController(), openController()];
  const bounds = { what: 'systemd did not answer', timeoutMs: 30_000, signal };
  assert.is(await answerWithin(bounds, async () => 7), 7);
  assert.is(await rejection(answerWithin(bounds, () => Promise.reject(stopped))), stopped);
  const late = await rejection(answerWithin({ ...bounds, timeoutMs: 30 }, never));
  assert.equal([late.code, late.message], ['timeout', 'systemd did not answer within 0.03 s']);
  const left = rejection(answerWithin({ ...bounds, signal: other.signal }, never));
  other.abort(stopped);
  assert.is(await left, stopped);
  let isAsked = false;
  const ask = async (): Promise<void> => void (isAsked = true);
  assert.is(await rejection(answerWithin({ ...bounds, signal: other.signal }, ask)), stopped);
  assert.is(isAsked, false, 'it was asked although nobody wants to know');
  assert.equal(getEventListeners(signal, 'abort'), []);
});

test('S3: what lay in a socket while this process was busy is read before it goes on', async (t) => {
  const child = spawn('echo', ['answer'], { stdio: ['ignore', 'pipe', 'ignore'] });
  t.cleanup(() => child.kill('SIGKILL'));
  const heard: string[] = [];
  child.stdout.on('data', (chunk: Buffer) => heard.push(String(chunk)));
  const began = performance.now();
  // Dead, and not reaped yet: this process has not looked.
  const isDead = (): boolean => /\) Z /.test(readFileSync(`/proc/${child.pid}/stat`, 'utf8'));
  while (!isDead() && performance.now() - began < 30_000)
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
  assert.equal(heard, []);
  await untilAllIsRead();
  assert.equal(heard, ['answer\n']);
});

test('S12: the reason of the caller goes through, also when it was there before', async (t) => {
  const controller = openController();
  const asked = withDeadline({ what: 'it did not come', timeoutMs: 60_000, signal: controller.signal }, never);
  controller.abort(stopped);
  assert.is(await rejection(asked), stopped);
  const again = withDeadline({ what: 'it did not come', timeoutMs: 60_000, signal: controller.signal }, never);
  assert.is(await rejection(again), stopped);
  assert.is(t.signal.aborted, false);
});

test('S12: the error of the work itself goes through', async () => {
  const own = new Error('own');
  assert.is(
    await rejection(withDeadline({ what: 'it did not come', timeoutMs: 60_000 }, () => Promise.reject(own))),
    own,
  );
  const thrown = withDeadline({ what: 'it did not come', timeoutMs: 60_000 }, () => {
    throw own;
  });
  assert.is(await rejection(thrown), own);
});

test('S12: many waits on one signal leave no listener behind', async () => {
  const { signal } = openController();
  for (let times = 0; times < 100; times += 1) {
    await withDeadline({ what: 'it did not come', timeoutMs: 60_000, signal }, async () => times);
    await rejection(withDeadline({ what: 'it did not come', timeoutMs: 0, signal }, never));
  }
  assert.is(getEventListeners(signal, 'abort').length, 0);
});

test('S12: a sleep ends at once with the reason of who ends it', async () => {
  const controller = openController();
  const asleep = sleep(60_000, controller.signal);
  controller.abort(stopped);
  assert.ok((await timeOf(asleep)) < 30_000);
  assert.is(await rejection(asleep), stopped);
  assert.is(await rejection(sleep(60_000, controller.signal)), stopped);
});

test('S12: the rejection of a signal comes once it is aborted, and from one that is already', async () => {
  const controller = openController();
  const waiting = rejectionOf(controller.signal);
  controller.abort(stopped);
  assert.is(await rejection(waiting), stopped);
  assert.is(await rejection(rejectionOf(controller.signal)), stopped);
});

test('S2: polling asks until there is an answer, falsy ones included', async () => {
  const { signal } = openController();
  for (const expected of [0, false, null, '']) {
    let asked = 0;
    const answer = await poll({ everyMs: 1, signal }, async () => {
      asked += 1;
      return asked < 4 ? undefined : expected;
    });
    assert.equal([answer, asked], [expected, 4]);
  }
});

test('S2: polling ends with the reason, at once, and does not ask when it came before', async () => {
  const controller = openController();
  const waiting = poll({ everyMs: 60_000, signal: controller.signal }, async () => undefined);
  setImmediate(() => controller.abort(stopped));
  assert.ok((await timeOf(waiting)) < 30_000);
  assert.is(await rejection(waiting), stopped);
  let asked = 0;
  const after = poll({ everyMs: 1, signal: controller.signal }, async () => (asked += 1));
  assert.is(await rejection(after), stopped);
  assert.is(asked, 0);
});

test('S2: an error of a question ends the polling', async () => {
  const { signal } = openController();
  const own = new Error('own');
  assert.is(await rejection(poll({ everyMs: 1, signal }, () => Promise.reject(own))), own);
});
