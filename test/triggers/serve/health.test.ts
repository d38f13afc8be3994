import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { openController } from '../../../lib/base/wait.ts';
import { parseText } from '../../../lib/config/load.ts';
import { reachSystemd } from '../../../lib/systemd/systemd.ts';
import { openDisks } from '../../../lib/triggers/page/disks.ts';
import { type HealthParts, healthOf } from '../../../lib/triggers/serve/health.ts';
import { openQueue } from '../../../lib/triggers/serve/queue.ts';
import { openStore } from '../../../lib/triggers/serve/store.ts';
import { makeTmpfs } from '../../base/tmpfs.ts';
import { makeDirectory, rejection } from '../../builds/directory.ts';
import { until } from '../../deploy/site.ts';
import { suite, type TestContext } from '../../suite.ts';

const test = suite('triggers/serve/health');

test('W1: what is wrong makes the receiver unwell, each in a sentence', async (t) => {
  const parts = await partsOn(t, { diskUsed: '1B' });
  await writeFile(join(parts.directory, 'file'), '');
  // Its library is loaded by then: a look has three seconds.
  await rejection(parts.systemd.loadedUnits('none'));
  const health = await healthOf({
    ...parts,
    directory: join(parts.directory, 'file/queue'),
    memoryLimitBytes: () => 1024,
    startProblem: () => 'runs cannot be started: no',
    faults: { note: () => {}, problem: () => 'an error that nobody caught: oh' },
    queue: { ...parts.queue, problem: () => 'requests cannot be kept: full' },
  })();
  assert.is(health.status, 'degraded');
  const expected = [
    /^requests cannot be kept: .*a file is in the way/,
    /^the disk is nearly full: \d+ % used at .*, and production wants under 1 used$/,
    /^systemd cannot be reached: no system bus/,
    /^the receiver uses \d+ bytes of memory, of 1024$/,
    /^requests cannot be kept: full$/,
    /^runs cannot be started: no$/,
    /^an error that nobody caught: oh$/,
  ];
  for (const [n, one] of expected.entries()) assert.match(health.problems[n] ?? '', one, health.problems.join('\n'));
  assert.is(health.problems.length, expected.length);
});

test('W3: a disk that is fuller than a target allows makes it unwell', async (t) => {
  const { problems } = await healthOf(await partsOn(t, { diskUsed: '1B' }))();
  assert.match(problems.join('\n'), /the disk is nearly full: \d+ % used at .*, and production wants under 1 used/);
});

test('W3: it looks at the disks that a deploy needs, wherever the queue is', async (t) => {
  const { problems } = await healthOf({ ...(await partsOn(t, { diskUsed: '1B' })), directory: '/proc/self' })();
  assert.match(problems.join('\n'), /the disk is nearly full: \d+ % used at .*, and production wants under 1 used/);
});

test('W1: a disk that was full is told of as long as it is', async (t) => {
  const { path } = await makeTmpfs(t, 256 * 1024);
  const directory = join(path, 'queue');
  const { signal } = openController();
  const quiet = { launch: () => Promise.reject(new Error('none')), signal, tell: () => {}, onNothing: () => {} };
  const queue = openQueue({ store: await openStore(directory), ...quiet });
  const systemd = { loadedUnits: async () => [] } as never;
  const parts = { ...(await partsOn(t, { diskUsed: '100%' })), directory, queue, systemd };
  const problems = async (): Promise<string[]> => (await healthOf(parts)()).problems;
  assert.equal(await problems(), []);
  await rejection(writeFile(join(path, 'full'), Buffer.alloc(1024 * 1024)));
  const asked = { target: 'production', provider: 'plain' as const, keys: [], branch: null, revision: null };
  assert.is((await rejection(queue.add(asked))).code, 'disk');
  assert.match((await problems()).join(), /^requests cannot be kept: .*queue/);
  await writeFile(join(path, 'full'), '');
  assert.equal(await problems(), [], 'nobody pushed meanwhile');
  await rm(directory, { recursive: true });
  assert.equal(await problems(), [], 'the next push makes its directory anew');
});

test('W1: what it tells of itself, and asked by many at once it looks once', async (t) => {
  const parts = await partsOn(t, { diskUsed: '100%' });
  let looks = 0;
  const began = performance.now();
  const waiting = { id: 'r1', target: 'production', queued_at: '2026-01-01T00:00:00.000Z' };
  const systemd = {
    loadedUnits: async () => {
      looks += 1;
      return [];
    },
  } as never;
  const requests: unknown[] = [{ ...waiting, state: 'queued' }];
  const ask = healthOf({ ...parts, systemd, queue: { ...parts.queue, open: () => requests as never } });
  const [health = await ask()] = await Promise.all(Array.from({ length: 50 }, ask));
  assert.is(looks, 1);
  const { queue, running, memory_bytes, memory_limit_bytes, disk, last_run, uptime_ms } =
    health ?? assert.unreachable();
  assert.equal(queue, [{ ...waiting, state: 'queued' }]);
  assert.equal(running, []);
  requests.push({ ...waiting, id: 'r0', state: 'running' });
  assert.equal((await ask()).running, [{ ...waiting, id: 'r0', state: 'running' }], 'its own queue is told as it is');
  assert.ok(looks === 1 || performance.now() - began > 2_000, `${looks} looks`);
  assert.ok(memory_bytes > 0 && uptime_ms > 0 && (disk.available_bytes ?? 0) > 0);
  assert.ok((disk.used_percent ?? 0) > 0 && (disk.used_percent ?? 0) <= 100);
  assert.equal([memory_limit_bytes, last_run, disk.path], [null, null, parts.directory]);
});

test('W1: of a target on a file system that hangs it says so, and asks no second time before there is an answer', async (t) => {
  const parts = await partsOn(t, { diskUsed: '1B' });
  let [asked, release] = [0, (): void => {}];
  const hung = new Promise<string>((resolve) => (release = () => resolve('/nowhere')));
  const ask = (directory: string): Promise<string> => {
    if (directory !== '/nowhere') return Promise.resolve(directory);
    asked += 1;
    return hung;
  };
  const disks = openDisks({ timeoutMs: 100, signal: t.signal }, { ask, mounts: () => new Map() });
  const config = { ...parts.config, state: '/proc/self' };
  const problems = async (): Promise<string> => (await healthOf({ ...parts, config, disks })()).problems.join('\n');
  const expected = 'how production is cannot be known: the file system of /nowhere did not answer within 0.1 s';
  for (let look = 1; look <= 5; look += 1) assert.match(await problems(), expected);
  assert.is(asked, 1);
  release();
  await until('it is asked again', async () => !(await problems()).includes(expected), 30_000);
});

/** On a machine without a bus; everything else is well, as far as the disk is. */
async function partsOn(t: TestContext, { diskUsed }: { diskUsed: string }): Promise<HealthParts> {
  const directory = join(await makeDirectory(t), '.');
  const before = process.env.DBUS_SYSTEM_BUS_ADDRESS;
  process.env.DBUS_SYSTEM_BUS_ADDRESS = 'unix:path=/nowhere/bus';
  t.cleanup(() => {
    if (before === undefined) delete process.env.DBUS_SYSTEM_BUS_ADDRESS;
    else process.env.DBUS_SYSTEM_BUS_ADDRESS = before;
  });
  const text = `app = "shop"
state = "${directory}/state"
logs = "${directory}/logs"
[targets.production]
unit = "shop.service"
builds = "/nowhere"
[targets.production.limits]
disk_used = "${diskUsed}"
`;
  const systemd = reachSystemd('system');
  t.cleanup(() => systemd.close());
  return {
    config: await parseText(text, { file: '/nowhere/cutover.toml', mode: 0o600 }),
    systemd,
    queue: {
      begin: () => {},
      add: () => Promise.reject(new Error('nothing is added')),
      find: () => null,
      open: () => [],
      nothings: () => [],
      problem: () => null,
      ended: async () => {},
    },
    faults: { note: () => {}, problem: () => null },
    disks: openDisks({ timeoutMs: 30_000, signal: t.signal }),
    directory,
    memoryLimitBytes: () => null,
    startProblem: () => null,
    groundProblems: [],
  };
}
