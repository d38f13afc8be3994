import { once } from 'node:events';
import { open, readFile, realpath, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import * as assert from 'uvu/assert';
import { CutoverError } from '../../lib/base/errors.ts';
import { exec, start, startFed } from '../../lib/base/exec.ts';
import { openController } from '../../lib/base/wait.ts';
import { describeProcess } from '../../lib/systemd/processes.ts';
import { makeDirectory, rejection } from '../builds/directory.ts';
import { until } from '../deploy/site.ts';
import { suite } from '../suite.ts';

const test = suite('base/exec');
const timeoutMs = 20_000;

test('P3: an exit code and both streams are an answer, not an error', async () => {
  const script = 'echo out; echo err >&2; exit 7';
  assert.equal(await exec(['sh', '-c', script], { timeoutMs }), {
    code: 7,
    stdout: 'out',
    stderr: 'err',
    timedOut: false,
  });
});

test('P3: words are passed on as they are: no shell reads them', async () => {
  const words = ['a b', '$HOME', '`id`', '"', "'", ';', '*', '', '\n'];
  const code = 'console.log(JSON.stringify(process.argv.slice(1)))';
  const { stdout } = await exec([process.execPath, '-e', code, '--', ...words], { timeoutMs });
  assert.equal(JSON.parse(stdout), words);
});

test('P3: a command gets its folder, its input and what is added to the environment', async (t) => {
  const cwd = await realpath(await makeDirectory(t));
  const script = 'pwd; echo "$WORD"; cat';
  const { stdout } = await exec(['sh', '-c', script], { timeoutMs, cwd, env: { WORD: 'a b' }, input: 'said' });
  assert.is(stdout, `${cwd}\na b\nsaid`);
});

test('P3: without an input there is nothing to wait for', async () => {
  assert.equal((await exec(['cat'], { timeoutMs })).code, 0);
});

test('S12: the deadline kills a command that ignores SIGTERM', async () => {
  const began = performance.now();
  const script = "trap '' TERM; echo up; exec sleep 60";
  const result = await exec(['sh', '-c', script], { timeoutMs: 5_000 });
  assert.equal([result.code, result.timedOut, result.stdout], [null, true, 'up']);
  assert.ok(performance.now() - began < 30_000);
});

test('S12: an aborted command is killed and throws the reason', async () => {
  const controller = openController();
  const reason = new CutoverError('interrupted', 'interrupted by SIGINT');
  const asked = exec(['sleep', '60'], { timeoutMs: 60_000, signal: controller.signal });
  const began = performance.now();
  controller.abort(reason);
  assert.is(await rejection(asked), reason);
  assert.is(await rejection(exec(['sleep', '60'], { timeoutMs: 60_000, signal: controller.signal })), reason);
  assert.ok(performance.now() - began < 30_000);
});

test('S4: a command has a session of its own, so what a terminal sends to all that it reaches does not end it', async (t) => {
  const asked = ['sh', '-c', 'cut -d " " -f 1,5,6 /proc/$$/stat'] as const;
  const { stdout } = await exec(asked, { timeoutMs });
  const fed = await startFed(asked, { signal: t.signal });
  for (const said of [stdout, await text(fed.stdout)]) {
    const [pid, group, session] = said.trim().split(' ');
    assert.equal([group, session], [pid, pid]);
  }
});

test('S12: what an aborted command has started is killed with it', async () => {
  const controller = openController();
  const fed = await startFed(['sh', '-c', 'sleep 300 & echo $!; wait'], { signal: controller.signal });
  const [chunk] = (await once(fed.stdout, 'data')) as [Buffer];
  const lives = async () => (await describeProcess(Number(chunk.toString())))?.isZombie === false;
  assert.ok(await lives());
  controller.abort();
  await until('it is gone', async () => !(await lives()));
});

test('P3: a command that a signal ends has no code and was not late', async () => {
  const result = await exec(['sh', '-c', 'kill -KILL $$'], { timeoutMs });
  assert.equal([result.code, result.timedOut], [null, false]);
});

test('P3: what cannot be started is named, with what to type', async (t) => {
  const directory = await makeDirectory(t);
  const plain = join(directory, 'plain');
  await writeFile(plain, 'text', { mode: 0o644 });
  for (const file of ['cutover-no-such-program', join(directory, 'none'), plain]) {
    for (const begin of [exec, start]) {
      const error = await rejection(begin([file, 'word'], { timeoutMs }));
      assert.is(error.code, 'not_found', file);
      assert.match(error.message, `cannot start ${file}`);
      assert.is(error.mend, `which ${file}`);
    }
  }
});

test('P3: a folder that is not there is not blamed on the program', async () => {
  const error = await rejection(exec(['true'], { timeoutMs, cwd: '/nowhere/at/all' }));
  assert.is(error.code, 'not_found');
  assert.match(error.message, '/nowhere/at/all');
});

test('S2: a descriptor becomes fd 3 of the command', async (t) => {
  const path = join(await makeDirectory(t), 'file');
  const file = await open(path, 'w');
  t.cleanup(() => file.close());
  await exec(['sh', '-c', 'echo through >&3'], { timeoutMs, descriptors: [file.fd] });
  assert.is(await readFile(path, 'utf8'), 'through\n');
});

test('P3: no other descriptor of ours reaches a command', async (t) => {
  const path = join(await makeDirectory(t), 'file');
  const file = await open(path, 'w');
  t.cleanup(() => file.close());
  const { stdout } = await exec(['readlink', '-f', `/proc/self/fd/${file.fd}`], { timeoutMs });
  assert.not.match(stdout, path);
});

test('P3: what a command prints too much of is cut off', async () => {
  const { stdout } = await exec(['head', '-c', '1000000', '/dev/zero'], { timeoutMs, maxBytes: 1000 });
  assert.is(stdout.length, 1000);
});

test('S4: a started process runs on, is read, and is signalled', async () => {
  const child = await start(['sh', '-c', 'trap "echo bye; exit 3" TERM; echo up; while :; do sleep 0.01; done']);
  const said = text(child.stdout);
  child.stderr.resume();
  await once(child.stdout, 'data');
  assert.is(child.kill(), true);
  assert.equal(await child.ended, { code: 3, signal: null });
  assert.match(await said, 'bye');
  assert.is(child.kill(), false);
});

test('S4: an aborted signal kills a started process', async () => {
  const controller = openController();
  const child = await start(['sleep', '60'], { signal: controller.signal });
  controller.abort();
  assert.equal(await child.ended, { code: null, signal: 'SIGKILL' });
});
