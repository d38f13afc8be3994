import { once } from 'node:events';
import { mkdir, realpath, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { parseMounts, locate } from '../../lib/systemd/mounts.ts';
import { type Use, usesBelow } from '../../lib/systemd/usage.ts';
import { makeDirectory, rejection } from '../builds/directory.ts';
import { suite, type TestContext } from '../suite.ts';
import { startSleep, waysToUse } from './users.ts';

const test = suite('systemd/usage');

/** Directories with a file each. */
async function makeTrees(t: TestContext, ...names: string[]): Promise<string> {
  const directory = await realpath(await makeDirectory(t));
  for (const name of names) {
    await mkdir(join(directory, name, 'inner'), { recursive: true });
    await writeFile(join(directory, name, 'file'), name);
  }
  return directory;
}

/** What is known of each name, without those who are not ours, such as an editor. */
async function seenBelow(directory: string): Promise<Record<string, Use[]>> {
  const { uses } = await usesBelow(directory);
  return Object.fromEntries([...uses].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

for (const [how, start] of Object.entries(waysToUse)) {
  test(`W3: a process is seen by what it uses: ${how}`, async (t) => {
    const directory = await makeTrees(t, 'one', 'two');
    const { pid } = await start(t, join(directory, 'one'));
    const { one, ...others } = await seenBelow(directory);
    assert.equal(others, {});
    assert.equal(
      one?.map((use) => [use.pid, use.how]),
      [[pid, how]],
    );
    assert.match(one?.[0]?.path ?? '', join(directory, 'one'));
  });
}

test('W3: a directory deep inside counts, a name that only begins alike does not', async (t) => {
  const directory = await makeTrees(t, 'one', 'one-2', 'on');
  const { pid } = await startSleep(t, { cwd: join(directory, 'one-2/inner') });
  assert.equal(await seenBelow(directory), { 'one-2': [{ pid, how: 'cwd', path: join(directory, 'one-2/inner') }] });
});

test('W3: whoever has the directory itself open, or works in it, uses nothing of it', async (t) => {
  const directory = await makeTrees(t, 'one');
  await startSleep(t, { cwd: directory });
  assert.equal(await seenBelow(directory), {});
});

test('W3: a process that ends uses nothing any more, and one that was not waited for neither', async (t) => {
  const directory = await makeTrees(t, 'one');
  const child = await startSleep(t, { cwd: join(directory, 'one') });
  child.kill('SIGKILL');
  await once(child, 'exit');
  assert.equal(await seenBelow(directory), {});
});

test('W3: the use follows a directory that is moved, and is not that of another with its name', async (t) => {
  const directory = await makeTrees(t, 'one');
  const { pid } = await startSleep(t, { cwd: join(directory, 'one') });
  await mkdir(join(directory, 'aside'));
  await rename(join(directory, 'one'), join(directory, 'aside/one'));
  await mkdir(join(directory, 'one'));
  assert.equal(Object.keys(await seenBelow(directory)), ['aside']);
  assert.equal((await seenBelow(join(directory, 'aside'))).one?.[0]?.pid, pid);
  await rm(join(directory, 'aside/one'), { recursive: true });
  await mkdir(join(directory, 'aside/one'), { recursive: true });
  assert.not.ok((await seenBelow(join(directory, 'aside'))).one, 'another directory of the same name');
});

test('W3: a directory that is asked for through a link is the same', async (t) => {
  const directory = await makeTrees(t, 'one', 'two');
  const link = join(await makeDirectory(t), 'link');
  await symlink(directory, link);
  const first = await startSleep(t, { cwd: join(directory, 'one') });
  const second = await startSleep(t, { cwd: '/', name: join(link, 'two/worker.js') });
  const { one, two } = await seenBelow(link);
  assert.equal([one?.[0]?.pid, two?.[0]?.pid], [first.pid, second.pid]);
});

test('W3: names with spaces and odd letters are compared whole', async (t) => {
  const directory = await makeTrees(t, 'one two', 'a\\040b', 'x (deleted)');
  const pids = [];
  for (const name of ['one two', 'a\\040b', 'x (deleted)'])
    pids.push((await startSleep(t, { cwd: join(directory, name) })).pid);
  const seen = await seenBelow(directory);
  assert.equal(
    ['one two', 'a\\040b', 'x (deleted)'].map((name) => seen[name]?.[0]?.pid),
    pids,
  );
});

test('W3: ten thousand directories and every process take little time', async (t) => {
  const directory = await makeDirectory(t);
  for (let number = 0; number < 10_000; number += 1) await mkdir(join(directory, `dist.${number}`));
  const { pid } = await startSleep(t, { cwd: join(directory, 'dist.777') });
  const began = performance.now();
  const { uses, seen } = await usesBelow(directory);
  const tookMs = performance.now() - began;
  console.log(`${seen.size} processes, 10 000 directories: ${tookMs.toFixed(0)} ms`);
  assert.equal(
    [...uses].map(([name, some]) => [name, some[0]?.pid]),
    [['dist.777', pid]],
  );
  assert.ok(tookMs < 30_000, `${tookMs} ms`);
});

test('W3: an aborted look ends with the reason', async (t) => {
  const directory = await makeTrees(t, 'one');
  const error = await rejection(usesBelow(directory, AbortSignal.abort(new Error('enough'))));
  assert.is(error.message, 'enough');
});

test('W3: two names of one file are one place, through bind mounts and others', () => {
  const table = parseMounts(
    [
      '27 1 254:0 / / rw,relatime - ext4 /dev/vda rw',
      '30 27 8:1 / /srv rw shared:5 master:1 - xfs /dev/sda1 rw',
      '31 27 8:1 /app/builds/dist.1 /mnt/with\\040space rw - xfs /dev/sda1 rw',
      '32 27 0:9 / /srv/app/tmp rw - tmpfs tmpfs rw',
      '33 32 8:1 /app /srv/app/tmp rw - xfs /dev/sda1 rw',
      '',
    ].join('\n'),
  );
  const cases: [string, string][] = [
    ['/', '254:0:'],
    ['/etc/passwd', '254:0:/etc/passwd'],
    ['/srv', '8:1:'],
    ['/srv/app/builds/dist.1/a', '8:1:/app/builds/dist.1/a'],
    ['/mnt/with space/a', '8:1:/app/builds/dist.1/a'],
    ['/mnt/with space', '8:1:/app/builds/dist.1'],
    ['/srv/app/tmp/builds', '8:1:/app/builds'],
    ['/srvx', '254:0:/srvx'],
  ];
  for (const [path, place] of cases) assert.is(locate(table, path), place, path);
  const chrooted = parseMounts('27 1 8:1 /a / rw - xfs /dev/sda1 rw\n', '/jail');
  assert.is(locate(chrooted, '/jail/b'), '8:1:/a/b');
  assert.is(locate(chrooted, '/b'), null);
});
