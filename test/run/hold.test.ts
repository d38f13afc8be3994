import { inspect } from 'node:util';
import * as assert from 'uvu/assert';
import { CutoverError, type ErrorCode } from '../../lib/base/errors.ts';
import { openController } from '../../lib/base/wait.ts';
import { guardedVariable, holdTarget } from '../../lib/run/hold.ts';
import { takeLock } from '../../lib/run/lock.ts';
import type { StatePaths } from '../../lib/run/state.ts';
import type { JobResult } from '../../lib/systemd/jobs.ts';
import type { Systemd } from '../../lib/systemd/systemd.ts';
import { rejection } from '../builds/directory.ts';
import { suite } from '../suite.ts';
import { makeState } from './samples.ts';

const test = suite('run/hold');
const { signal } = openController();

const property = async (): Promise<string> => 'loaded';
const processes = async (): Promise<number[]> => [4711];

/** Asks for the target with a manager that answers each call for a scope with the next code, the last one for good. */
function request(
  paths: StatePaths,
  codes: (ErrorCode | null)[],
  { ended = 'done', ...changed }: { signal?: AbortSignal; ended?: JobResult } = {},
) {
  const asked: unknown[][] = [];
  const unguarded: string[] = [];
  const startTransient: Systemd['startTransient'] = async (...call) => {
    asked.push(call);
    const code = codes[Math.min(asked.length, codes.length) - 1];
    if (code) throw new CutoverError(code, `answered ${code}`);
    const [, , , { onQueued }] = call;
    onQueued?.();
    return ended;
  };
  const systemd = { kind: 'system', startTransient, property, processes } as unknown as Systemd;
  const hold = () =>
    holdTarget({
      systemd,
      paths,
      app: 'shop',
      target: 'production',
      doing: 'deploy',
      ground: { manager: 'system', unit: 'shop.service', builds: '/srv/shop/builds' },
      waitMs: 0,
      signal,
      settle: ['/usr/bin/node', 'cutover.js', 'settle'],
      environment: { PATH: '/usr/bin' },
      onWaiting: () => {},
      onUnguarded: (why) => void unguarded.push(why),
      ...changed,
    });
  return { hold, asked, unguarded };
}

function isHeld(paths: StatePaths): Promise<boolean> {
  const asked = takeLock(paths, { doing: 'test', waitMs: 0, signal, onWaiting: () => {} });
  return asked
    .then((lock) => lock.release())
    .then(
      () => false,
      (error: CutoverError) => error.code === 'locked',
    );
}

test('S8: the lock comes first, then the scope; releasing the one is enough', async (t) => {
  const paths = await makeState(t);
  const { hold, asked, unguarded } = request(paths, [null]);
  const lock = await hold();
  assert.is(asked[0]?.[0], 'cutover-shop-production.scope');
  const sent = inspect(asked[0], { depth: null });
  for (const part of [`${guardedVariable}=1`, paths.inFlight, '/usr/bin/node']) assert.ok(sent.includes(part), part);
  assert.equal([asked.length, unguarded], [1, []]);
  assert.is(await isHeld(paths), true);
  await lock.release();
  assert.is(await isHeld(paths), false);
});

test('S8: the scope of a process that has just died is waited for', async (t) => {
  const paths = await makeState(t);
  const { hold, asked, unguarded } = request(paths, ['unit_exists', 'unit_exists', null]);
  // Three turns, however long they take.
  const now = performance.now.bind(performance);
  performance.now = () => 0;
  t.cleanup(() => (performance.now = now));
  const lock = await hold();
  t.cleanup(() => lock.release());
  assert.equal([asked.length, unguarded], [3, []]);
});

test('S8: a manager that takes its time to say that the scope is there still is asked once more', async (t) => {
  const paths = await makeState(t);
  const { hold, asked, unguarded } = request(paths, ['unit_exists', null]);
  const now = performance.now.bind(performance);
  performance.now = () => asked.length * 60_000;
  t.cleanup(() => (performance.now = now));
  const lock = await hold();
  t.cleanup(() => lock.release());
  assert.equal([asked.length, unguarded], [2, []]);
});

test('S8: where scopes are refused the lock alone guards, and the user is told', async (t) => {
  const paths = await makeState(t);
  const { hold, unguarded } = request(paths, ['permission']);
  const lock = await hold();
  assert.equal(unguarded, ['answered permission']);
  assert.is(await isHeld(paths), true);
  await lock.release();
});

test('S8: where systemd is too slow for a scope or knows none such, the lock alone guards', async (t) => {
  for (const code of ['failed', 'timeout'] as const) {
    const { hold, unguarded } = request(await makeState(t), [code]);
    const lock = await hold();
    assert.equal(unguarded, [`answered ${code}`]);
    await lock.release();
  }
});

test('S8: a scope that does not come to be guards nothing, and the user is told', async (t) => {
  const { hold, unguarded } = request(await makeState(t), [null], { ended: 'failed' });
  const lock = await hold();
  assert.equal(unguarded, ['the start job of cutover-shop-production.scope ended as failed']);
  await lock.release();
});

test('S8: what else goes wrong with the scope frees the lock', async (t) => {
  for (const code of ['bus_lost', 'systemd_unavailable'] as const) {
    const paths = await makeState(t);
    const { hold, unguarded } = request(paths, [code]);
    assert.is((await rejection(hold())).code, code);
    assert.equal(unguarded, []);
    assert.is(await isHeld(paths), false, code);
  }
});

test('S8: an interruption while a scope is waited for frees the lock', async (t) => {
  const paths = await makeState(t);
  const controller = openController();
  const { hold, asked } = request(paths, ['unit_exists'], { signal: controller.signal });
  const reason = new CutoverError('interrupted', 'interrupted by SIGINT');
  const asking = rejection(hold());
  while (asked.length === 0) await new Promise((resolve) => setImmediate(resolve));
  controller.abort(reason);
  assert.is(await asking, reason);
  assert.is(await isHeld(paths), false);
});

test('S8: a target that is held asks for no scope', async (t) => {
  const paths = await makeState(t);
  const lock = await request(paths, [null]).hold();
  t.cleanup(() => lock.release());
  const { hold, asked } = request(paths, [null]);
  assert.is((await rejection(hold())).code, 'locked');
  assert.is(asked.length, 0);
});

test('S8: the settle service itself takes the lock and no scope', async (t) => {
  const paths = await makeState(t);
  process.env[guardedVariable] = '1';
  t.cleanup(() => delete process.env[guardedVariable]);
  const { hold, asked } = request(paths, [null]);
  const lock = await hold();
  t.cleanup(() => lock.release());
  assert.is(asked.length, 0);
  assert.is(await isHeld(paths), true);
});
