import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { exec } from '../../lib/base/exec.ts';
import { describeProcess } from '../../lib/systemd/processes.ts';
import { makeDirectory } from '../builds/directory.ts';
import { suite, type TestContext } from '../suite.ts';

const test = suite('base/exec left');

/** A command whose child has its output, has left its group, and lives on for half a minute. */
async function leaving(t: TestContext, end: string) {
  const file = join(await makeDirectory(t), 'pid');
  const command = ['sh', '-c', `setsid sleep 30 & echo $! >${file}; echo said; ${end}`] as const;
  const lives = async () => (await describeProcess(Number(await readFile(file, 'utf8'))))?.isZombie === false;
  t.cleanup(async () => process.kill(Number(await readFile(file, 'utf8')), 'SIGKILL'));
  return { command, lives };
}

test('S12: a command that has ended, and has left a child with its output, is waited for until its deadline', async (t) => {
  const { command, lives } = await leaving(t, 'exit 3');
  const { code, stdout, timedOut } = await exec(command, { timeoutMs: 8_000 });
  assert.equal([code, stdout, timedOut, await lives()], [3, 'said', false, true]);
});

test('S12: one that is killed at its deadline is not waited for any longer', async (t) => {
  const { command, lives } = await leaving(t, 'wait');
  const { code, stdout, timedOut } = await exec(command, { timeoutMs: 8_000 });
  assert.equal([code, stdout, timedOut, await lives()], [null, 'said', true, true]);
});

test('S12: one that is killed by an abort is not waited for any longer', async (t) => {
  const { command, lives } = await leaving(t, 'wait');
  const signal = AbortSignal.timeout(8_000);
  const given = await exec(command, { timeoutMs: 280_000, signal }).catch((error: unknown) => error);
  assert.is(given, signal.reason);
  assert.ok(await lives());
});
