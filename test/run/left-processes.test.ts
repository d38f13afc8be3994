import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { endLeftProcesses } from '../../lib/run/left-processes.ts';
import { until } from '../deploy/site.ts';
import { suite, type TestContext } from '../suite.ts';

const test = suite('run/left-processes');

/** A process of a run's hook in a session of its own. */
async function startOf(t: TestContext, run: string, script: string) {
  const env = { PATH: process.env.PATH ?? '', CUTOVER_RUN: run };
  const child = spawn('/bin/sh', ['-c', script], { detached: true, env, stdio: ['ignore', 'pipe', 'ignore'] });
  t.cleanup(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  // In the middle of its exec a process has no environment.
  const isExec = script.endsWith('exec sleep 300');
  const said = isExec ? 'sleep' : 'sh';
  const read = (name: string): Promise<string> => readFile(`/proc/${child.pid}/${name}`, 'utf8');
  await until('it is itself', async () => (await read('comm')).trim() === said);
  await until('it has its environment', async () => (await read('environ')).includes(`CUTOVER_RUN=${run}`));
  return child;
}

test('S8: ends what has the name of the run in its environment, and nobody else', async (t) => {
  const own = await startOf(t, '20260203-151120-4f2a', 'echo up; exec sleep 300');
  const other = await startOf(t, '20260203-151120-4f2b', 'echo up; exec sleep 300');
  const ended = once(own, 'exit');
  assert.is(await endLeftProcesses('20260203-151120-4f2a'), 1);
  assert.equal(await ended, [null, 'SIGTERM']);
  assert.is(other.exitCode ?? other.signalCode, null);
  assert.is(await endLeftProcesses('20260203-151120-4f2a'), 0);
});

test('S8: kills what does not end when asked', async (t) => {
  const deaf = await startOf(t, '20260203-151120-4f2c', "trap '' TERM; echo up; while :; do sleep 0.2; done");
  const ended = once(deaf, 'exit');
  assert.ok((await endLeftProcesses('20260203-151120-4f2c')) > 0);
  assert.equal(await ended, [null, 'SIGKILL']);
});
