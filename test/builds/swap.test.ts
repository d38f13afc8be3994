import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readlink, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setImmediate as nextTurn } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { clearTemporaryLinks, removeCurrent, swapCurrent } from '../../lib/builds/swap.ts';
import { suite } from '../suite.ts';
import { makeBuilds, rejection } from './directory.ts';

const test = suite('builds/swap');
const older = 'dist.20260203-123600';
const newer = 'dist.20260203-151116';

test('S6: the link is relative and moves only when it has to', async (t) => {
  const directory = await makeBuilds(t, [older, newer]);
  assert.is(await swapCurrent(directory, older), true);
  assert.is(await readlink(join(directory, 'current')), older);
  assert.is(await swapCurrent(directory, newer), true);
  assert.is(await swapCurrent(directory, newer), false);
  assert.is(await readlink(join(directory, 'current')), newer);
  assert.equal((await readdir(directory)).toSorted(), ['current', older, newer].toSorted());
});

test('S6: an absolute or dangling link is replaced by a relative one', async (t) => {
  const directory = await makeBuilds(t, [newer], '/nowhere/at/all');
  assert.is(await swapCurrent(directory, newer), true);
  assert.is(await readlink(join(directory, 'current')), newer);
});

test('S6: a build that is not there is refused, and the link stays', async (t) => {
  const directory = await makeBuilds(t, [older], older);
  await writeFile(join(directory, 'dist.20260203-000000'), 'a file');
  await symlink(older, join(directory, 'dist.20260203-000001'));
  for (const name of [newer, 'dist.20260203-000000', 'dist.20260203-000001', '.', '..', 'current', `../${older}`]) {
    const error = await rejection(swapCurrent(directory, name));
    assert.is(error.code, 'no_build', name);
    assert.is(error.mend, 'cutover builds');
  }
  assert.is(await readlink(join(directory, 'current')), older);
});

test('S6: a file or a directory in the place of the link is never replaced', async (t) => {
  const withFile = await makeBuilds(t, [newer]);
  await writeFile(join(withFile, 'current'), 'precious');
  const withDirectory = await makeBuilds(t, [newer]);
  await mkdir(join(withDirectory, 'current'));
  for (const directory of [withFile, withDirectory]) {
    for (const act of [() => swapCurrent(directory, newer), () => removeCurrent(directory)]) {
      const error = await rejection(act());
      assert.is(error.code, 'refused');
      assert.match(error.mend ?? '', /^mv /);
    }
    assert.equal((await readdir(directory)).toSorted(), ['current', newer]);
  }
});

test('S6: the command that mends a directory in the place of the link does mend it', async (t) => {
  const directory = await makeBuilds(t, [newer]);
  await mkdir(join(directory, 'current'));
  const { mend } = await rejection(swapCurrent(directory, newer));
  const [code] = await once(spawn('sh', ['-c', mend ?? 'false'], { stdio: 'ignore' }), 'exit');
  assert.is(code, 0);
  assert.is(await swapCurrent(directory, newer), true);
  assert.is((await readdir(directory)).filter((name) => name.startsWith('dist.')).length, 2);
});

test('S8: a first deploy is taken back by removing the link, any number of times', async (t) => {
  const directory = await makeBuilds(t, [newer], newer);
  await removeCurrent(directory);
  await removeCurrent(directory);
  assert.equal(await readdir(directory), [newer]);
});

test('S8: the temporary link of a swap that was killed is cleared, and nothing else', async (t) => {
  const directory = await makeBuilds(t, [newer], newer);
  await symlink(newer, join(directory, '.current.0123abcd.tmp'));
  await symlink('nowhere', join(directory, '.current.ffffffff.tmp'));
  await writeFile(join(directory, '.current.00000000.tmp'), 'a file');
  await symlink(newer, join(directory, '.other.0123abcd.tmp'));
  const cleared = await clearTemporaryLinks(directory);
  assert.equal(cleared.toSorted(), ['.current.0123abcd.tmp', '.current.ffffffff.tmp']);
  assert.equal(await clearTemporaryLinks(directory), []);
  assert.equal(await clearTemporaryLinks(join(directory, 'nowhere')), []);
  const left = ['.current.00000000.tmp', '.other.0123abcd.tmp', 'current', newer];
  assert.equal((await readdir(directory)).toSorted(), left);
});

/** Reads through the link without a pause until it is told to stop, and once more; answers how often, and what went wrong. */
const reader = `
  const fs = require('node:fs');
  const [link, stop] = process.argv.slice(1);
  const seen = new Set();
  const failures = [];
  let reads = 0;
  for (let isLast = false; !isLast; ) {
    isLast = reads % 256 === 0 && fs.existsSync(stop);
    reads += 1;
    try {
      const name = fs.readlinkSync(link);
      const text = fs.readFileSync(link + '/app', 'utf8');
      if (!/^dist[.][0-9]{8}-[0-9]{6}$/.test(name) || !/^dist[.]/.test(text)) failures.push(name + ' ' + text);
      seen.add(text);
    } catch (error) {
      failures.push(error.message);
    }
    if (reads === 256) process.stderr.write('reading');
    if (reads === 10_000) process.stderr.write('enough');
  }
  console.log(JSON.stringify({ reads, failures: failures.length, first: failures[0] ?? null, seen: seen.size }));
`;

test('S6: a reader in another process finds a build at every instant of a thousand swaps', async (t) => {
  const directory = await makeBuilds(t, [older, newer], older);
  const stop = join(directory, 'stop');
  const child = spawn(process.execPath, ['-e', reader, join(directory, 'current'), stop]);
  t.cleanup(() => child.kill('SIGKILL'));
  const answer = text(child.stdout);
  let told = '';
  child.stderr.on('data', (chunk) => (told += chunk));
  await once(child.stderr, 'data');
  let swaps = 0;
  // The last build is another than the first, and is read once more after the stop.
  while (swaps < 1000 || swaps % 2 === 0 || !told.endsWith('enough')) {
    t.signal.throwIfAborted();
    await swapCurrent(directory, swaps % 2 === 0 ? newer : older);
    swaps += 1;
    // A swap waits for nobody: without a turn of the loop nothing of what the reader says would be heard.
    await nextTurn();
  }
  await writeFile(stop, '');
  const { reads, failures, first, seen }: Record<string, number> = JSON.parse(await answer);
  console.log(`${swaps} swaps, ${reads} reads`);
  assert.is(first, null);
  assert.is(failures, 0);
  assert.is(seen, 2);
});
