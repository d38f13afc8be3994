import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { openController } from '../../../lib/base/wait.ts';
import type { Launch, Result } from '../../../lib/triggers/serve/launch.ts';
import { openQueue, type Queue } from '../../../lib/triggers/serve/queue.ts';
import type { Asked, ServeRequest } from '../../../lib/triggers/serve/request.ts';
import { openStore, type Store } from '../../../lib/triggers/serve/store.ts';
import { makeTmpfs } from '../../base/tmpfs.ts';
import { makeDirectory, rejection } from '../../builds/directory.ts';
import { until } from '../../deploy/site.ts';
import { suite, type TestContext } from '../../suite.ts';
import { plain, receiverAtHand } from './at-hand.ts';

const test = suite('triggers/serve/queue');
const done: Result = { run: null, outcome: 'deployed', exit_code: 0, error: null };

const silent = { tell: () => {}, onNothing: () => {} };

interface Opened {
  queue: Queue;
  launched: string[];
  /** ends the run at work */
  finish: () => void;
  /** as a kill would: nothing more is written */
  drop: () => Promise<void>;
}

async function open(t: TestContext, directory: string): Promise<Opened> {
  const ended = openController();
  const launched: string[] = [];
  let finish: ((result: Result) => void) | null = null;
  const launch: Launch = ({ id }) => {
    launched.push(id);
    return new Promise((resolve, reject) => {
      finish = resolve;
      ended.signal.addEventListener('abort', () => reject(new Error('the receiver is gone')), { once: true });
    });
  };
  const queue = openQueue({ store: await openStore(directory), launch, signal: ended.signal, ...silent });
  queue.begin();
  const drop = async (): Promise<void> => {
    ended.abort(new Error('the end'));
    await queue.ended();
  };
  t.cleanup(drop);
  return { queue, launched, finish: () => finish?.(done), drop };
}

let deliveries = 0;

function asked(target = 'production'): Asked {
  deliveries += 1;
  return { target, provider: 'plain', keys: [`key ${deliveries}`], branch: 'main', revision: null };
}

async function add(queue: Queue, target?: string): Promise<string> {
  return (await queue.add(asked(target))).request.id;
}

test('W1: while one runs, the latest that waits is the next, and the others are superseded by it', async (t) => {
  const { queue, launched, finish } = await open(t, join(await makeDirectory(t), 'queue'));
  const first = await add(queue);
  await until('the first runs', async () => launched.length === 1);
  const [second, third, fourth] = [await add(queue), await add(queue), await add(queue)];
  assert.equal(launched, [first], 'one at a time');
  finish();
  await until('the next runs', async () => launched.length === 2);
  assert.equal(launched, [first, fourth]);
  for (const id of [second, third]) {
    const { state, superseded_by } = queue.find(id) ?? {};
    assert.equal([state, superseded_by], ['superseded', fourth]);
  }
  finish();
  await until('all is done', async () => queue.open().length === 0);
  assert.equal(launched, [first, fourth]);
});

test('W1: targets do not wait for one another', async (t) => {
  const { queue, launched } = await open(t, join(await makeDirectory(t), 'queue'));
  const both = [await add(queue, 'production'), await add(queue, 'staging')];
  await until('both run', async () => launched.length === 2);
  assert.equal(launched.toSorted(), both.toSorted());
});

test('W1: one that comes at the very end of another is not forgotten', async (t) => {
  // The end of the first is written, and so many turns later the second is: one of them is when its worker has seen no more.
  for (let turns = 0; turns < 60; turns += 1) {
    const [firstEnd, second] = [gate(), gate()];
    const ended = openController();
    const launched: string[] = [];
    const write = async ({ seq, state }: ServeRequest): Promise<void> => {
      if (seq === 1 && state === 'done') await firstEnd.promise;
      if (seq === 2 && state === 'queued') await second.promise;
    };
    const store: Store = { directory: '/nowhere', found: [], write, remove: async () => {} };
    const launch: Launch = async ({ id }) => {
      launched.push(id);
      return done;
    };
    const queue = openQueue({ store, launch, signal: ended.signal, ...silent });
    t.cleanup(() => ended.abort(new Error('the end')));
    await add(queue);
    const adding = add(queue);
    await until('the first was carried out', async () => launched.length === 1);
    firstEnd.resolve();
    for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
    second.resolve();
    await adding;
    await until(`the second is carried out, ${turns} turns later`, async () => launched.length === 2);
  }
});

test('W1: whoever comes after a receiver that was killed goes on with what ran, then with what waited', async (t) => {
  const directory = join(await makeDirectory(t), 'queue');
  const before = await open(t, directory);
  const running = await add(before.queue);
  await until('it runs', async () => before.launched.length === 1);
  const waiting = [await add(before.queue), await add(before.queue)];
  const last = asked();
  const { request } = await before.queue.add(last);
  await before.drop();
  // What a kill in the middle of a write leaves, and what somebody else put there.
  await writeFile(join(directory, '.r00000009x00000000.json.0badcafe.tmp'), '{"id"');
  await writeFile(join(directory, 'r00000009x00000000.json'), '{"id": "r00000009x00000000"');
  await writeFile(join(directory, 'README'), 'hello');

  const after = await open(t, directory);
  assert.is(after.queue.find(running)?.state, 'running');
  assert.is((await after.queue.add(last)).isReplay, true, 'the deliveries are remembered');
  await until('the one that ran is followed', async () => after.launched.length === 1);
  after.finish();
  await until('then the latest', async () => after.launched.length === 2);
  assert.equal(after.launched, [running, request.id]);
  for (const id of waiting) assert.is(after.queue.find(id)?.state, 'superseded');
  assert.ok((await add(after.queue)) > request.id, 'names go on growing');
  assert.not.ok((await readdir(directory)).some((name) => name.endsWith('.tmp')));
});

test('W1: the order is that in which they came, whatever the clock says', async (t) => {
  const directory = join(await makeDirectory(t), 'queue');
  const before = await open(t, directory);
  await add(before.queue);
  await until('it runs', async () => before.launched.length === 1);
  const [older, newer] = [await add(before.queue), await add(before.queue)];
  await before.drop();
  const path = join(directory, `${older}.json`);
  const text = await readFile(path, 'utf8');
  await writeFile(path, JSON.stringify({ ...JSON.parse(text), queued_at: '2099-01-01T00:00:00.000Z' }));
  const after = await open(t, directory);
  after.finish();
  await until('the first ends', async () => {
    after.finish();
    return after.launched.length >= 2;
  });
  assert.is(after.launched[1], newer);
});

test('W1: of a thousand that are over the oldest is forgotten', async (t) => {
  // In memory: on a disk each of them would wait for the disk.
  const directory = join((await makeTmpfs(t, 64 * 1024 * 1024)).path, 'queue');
  const { queue, finish } = await open(t, directory);
  const first = asked();
  const { request } = await queue.add(first);
  await Promise.all(Array.from({ length: 1_010 }, () => add(queue)));
  await until(
    'they are over',
    async () => {
      finish();
      return queue.open().length === 0;
    },
    50_000,
  );
  await add(queue);
  await until('the file is gone', async () => !(await readdir(directory)).includes(`${request.id}.json`));
  assert.is(queue.find(request.id), null);
  assert.ok((await readdir(directory)).length <= 1_001);
});

test('W1: a full disk is said, and what was not kept was not accepted', async (t) => {
  const { path } = await makeTmpfs(t, 256 * 1024);
  const { send, launched } = await receiverAtHand(t, { directory: join(path, 'queue') });
  const before = await send(plain('{}', { 'X-Delivery': 'before' }));
  assert.is(before.status, 202);
  const file = join(path, 'queue', `${before.json.id}.json`);
  await until('it is over', async () => (await readFile(file, 'utf8')).includes('"state":"done"'));
  await fill(join(path, 'full'));
  const refused = await send(plain('{}', { 'X-Delivery': 'a' }));
  assert.equal([refused.status, refused.headers['retry-after']], [503, '30'], refused.text);
  assert.is(launched.length, 1);
  await writeFile(join(path, 'full'), '');
  const again = await send(plain('{}', { 'X-Delivery': 'a' }));
  assert.equal([again.status, again.json.replayed], [202, undefined], 'the same delivery is taken now');
});

test('W1: a disk that fills up while a run goes on loses no outcome', async (t) => {
  const { path } = await makeTmpfs(t, 256 * 1024);
  const { queue, finish, launched, drop } = await open(t, join(path, 'queue'));
  const id = await add(queue);
  const file = join(path, 'queue', `${id}.json`);
  await until('it runs', async () => launched.length === 1 && (await readFile(file, 'utf8')).includes('"running"'));
  await fill(join(path, 'full'));
  finish();
  await until('it is over', async () => queue.find(id)?.state === 'done');
  await until('that cannot be written', async () => queue.problem() !== null);
  await writeFile(join(path, 'full'), '');
  await until('it is written after all', async () => queue.problem() === null);
  await drop();
  const after = await open(t, join(path, 'queue'));
  assert.is(after.queue.find(id)?.state, 'done');
});

function gate(): { promise: Promise<void>; resolve: () => void } {
  let resolve: (() => void) | null = null;
  const promise = new Promise<void>((open) => {
    resolve = open;
  });
  return { promise, resolve: () => resolve?.() };
}

async function fill(path: string): Promise<void> {
  const error = await rejection(writeFile(path, Buffer.alloc(1024 * 1024)));
  assert.is(error.code, 'ENOSPC');
}
