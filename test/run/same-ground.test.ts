import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as assert from 'uvu/assert';
import { CutoverError } from '../../lib/base/errors.ts';
import { openController } from '../../lib/base/wait.ts';
import { type Ground, type Holder, type LockRequest, takeLock } from '../../lib/run/lock.ts';
import { takeGround } from '../../lib/run/same-ground.ts';
import { type StatePaths, statePathsIn } from '../../lib/run/state.ts';
import { rejection } from '../builds/directory.ts';
import { until } from '../deploy/site.ts';
import { suite } from '../suite.ts';
import { makeState } from './samples.ts';

const test = suite('run/same-ground');
const { signal } = openController();
const shop: Ground = { manager: 'system', unit: 'shop.service', builds: '/srv/shop/builds' };
const nobodyWaits: LockRequest['onWaiting'] = () => {};
const request = { doing: 'deploy of a test', ground: shop, waitMs: 0, signal, onWaiting: nobodyWaits };

/** Another target below the same state directory. */
function beside({ directory }: StatePaths, name: string): StatePaths {
  return statePathsIn(join(dirname(dirname(directory)), name));
}

async function take(paths: StatePaths, changed: Partial<typeof request> = {}) {
  return takeGround(paths, { ...request, ...changed });
}

async function refusal(paths: StatePaths, changed: Partial<typeof request> = {}): Promise<CutoverError> {
  const error = await rejection(take(paths, changed));
  assert.ok(error instanceof CutoverError);
  assert.equal([error.code, error.exitCode], ['locked', 75], error.message);
  return error;
}

test('S8: one unit, or one builds directory, is held for all targets that have it', async (t) => {
  const paths = await makeState(t);
  const lock = await take(paths);
  t.cleanup(() => lock.release());
  const same: Partial<Ground>[] = [{ builds: '/srv/elsewhere' }, { unit: 'other.service' }, {}];
  for (const [at, ground] of same.entries()) {
    const error = await refusal(beside(paths, `direct/shop-${at}`), { ground: { ...shop, ...ground } });
    assert.match(error.message, `: deploy of a test (pid ${process.pid}, user `);
    assert.match(error.mend ?? '', '--wait');
  }
  for (const ground of [
    { ...shop, unit: 'market.service', builds: '/srv/market' },
    { ...shop, manager: 'user' as const, builds: '/srv/market/own' },
  ]) {
    const other = await take(beside(paths, `other/${ground.manager}`), { ground });
    assert.equal(other.others, []);
    await other.release();
  }
});

test('S8: whoever had the unit before is kept out too, whether or not it can see who has it now', async (t) => {
  const paths = await makeState(t);
  await (await take(paths)).release();
  const other = beside(paths, 'direct/shop');
  // Nobody has this number: the greatest is 2^22.
  const before = JSON.stringify({ ...(JSON.parse(await readFile(paths.lock, 'utf8')) as Holder), pid: 5_000_000 });
  await writeFile(paths.lock, `${before}\n`);
  const lock = await take(other, { doing: 'deploy without a file' });
  assert.equal(lock.others, [paths]);
  assert.match((await refusal(paths)).message, 'another run holds shop.service: deploy without a file (pid ');
  assert.is(((await rejection(takeLock(paths, request))) as CutoverError).code, 'locked');
  await lock.release();
  assert.is(await readFile(paths.lock, 'utf8'), `${before}\n`, 'nothing is written into the lock of another target');
  const again = await take(paths);
  assert.equal(again.others, [other]);
  await again.release();
});

test('S8: a process that has the number of a holder from before the last boot is not named', async (t) => {
  const paths = await makeState(t);
  const other = beside(paths, 'direct/shop');
  for (const [held, told] of [
    [other, other],
    [paths, other],
  ] as const) {
    const lock = await takeLock(held, request);
    t.cleanup(() => lock.release());
    // Nobody has the first number: the greatest is 2^22.
    const since = JSON.parse(await readFile(held.lock, 'utf8')) as Holder;
    await writeFile(held.lock, `${JSON.stringify({ ...since, pid: 5_000_000 })}\n`);
    await mkdir(told.directory, { recursive: true });
    await writeFile(told.lock, `${JSON.stringify({ ...since, boot_id: 'an earlier one' })}\n`);
    assert.match((await refusal(paths)).message, /^another run holds (the target|shop\.service)$/);
    await lock.release();
  }
});

test('S8: who waits for another target gets both once that one is done, and keeps nobody out meanwhile', async (t) => {
  const paths = await makeState(t);
  const other = beside(paths, 'direct/shop');
  const lock = await take(other);
  const told: string[] = [];
  const waiting = take(paths, { waitMs: 60_000, onWaiting: (text: string) => void told.push(text) });
  await until('it waits', async () => told.length > 0);
  const free = await takeLock(paths, { ...request, waitMs: 10_000 });
  await free.release();
  await lock.release();
  const got = await waiting;
  assert.equal([told.length, got.others], [1, [other]], told.join('\n'));
  await got.release();
  assert.match((await late(paths, other)).message, /^another run holds /);
});

async function late(paths: StatePaths, other: StatePaths): Promise<CutoverError> {
  const lock = await take(other);
  try {
    return await refusal(paths, { waitMs: 200 });
  } finally {
    await lock.release();
  }
}

test('S8: two at once, again and again: never both', async (t) => {
  const paths = await makeState(t);
  const all = [paths, beside(paths, 'direct/shop'), beside(paths, 'market/live')];
  let holders = 0;
  let most = 0;
  const hold = async (mine: StatePaths): Promise<void> => {
    const lock = await take(mine, { waitMs: 60_000 });
    holders += 1;
    most = Math.max(most, holders);
    await new Promise((resolve) => setTimeout(resolve, 5));
    holders -= 1;
    await lock.release();
  };
  for (let round = 0; round < 5; round += 1) await Promise.all(all.map(hold));
  assert.is(most, 1);
});

test('S8: what lies about in the state of others is no lock of theirs', async (t) => {
  const paths = await makeState(t);
  const odd = { torn: '{"pid":', empty: '', none: 'null', old: '{"pid":1,"doing":"deploy"}' };
  for (const [name, text] of Object.entries(odd)) {
    const { directory, lock } = beside(paths, `odd/${name}`);
    await mkdir(directory, { recursive: true });
    await writeFile(lock, text);
  }
  const linked = beside(paths, 'odd/linked');
  await mkdir(linked.directory, { recursive: true });
  await symlink(beside(paths, 'odd/old').lock, linked.lock);
  await mkdir(beside(paths, 'odd/folder').lock, { recursive: true });
  await writeFile(join(dirname(dirname(paths.directory)), 'installed.json'), '{}');
  const lock = await take(paths);
  assert.equal(lock.others, []);
  await lock.release();
});
