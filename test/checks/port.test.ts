import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import * as assert from 'uvu/assert';
import { askPort } from '../../lib/checks/port.ts';
import { describeProcess } from '../../lib/systemd/processes.ts';
import { freePort } from '../services/free-port.ts';
import { suite, type TestContext } from '../suite.ts';

const test = suite('checks/port');

/** A process that listens, by its pid and port. */
async function listenInChild(t: TestContext): Promise<{ pid: number; port: number }> {
  const code = "const s = require('net').createServer().listen(0, '127.0.0.1', () => console.log(s.address().port))";
  const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.cleanup(() => child.kill('SIGKILL'));
  const [line] = await once(child.stdout, 'data');
  return { pid: Number(child.pid), port: Number(String(line)) };
}

test('S1: a free port is good, and so is none at all', async () => {
  const answer = await askPort([await freePort()], { unit: 'app.service', mainPid: 0 });
  assert.equal([answer.status, answer.observed, answer.expected], ['pass', 'free', 'free, or held by app.service']);
  assert.equal((await askPort([], { unit: 'app.service', mainPid: 0 })).status, 'pass');
});

test('S1: a stranger is named with pid, command and unit, and what to type', async (t) => {
  const { pid, port } = await listenInChild(t);
  const facts = await describeProcess(pid);
  const answer = await askPort([await freePort(), port], { unit: 'app.service', mainPid: 0 });
  assert.is(answer.status, 'fail');
  assert.match(answer.observed, `port ${port} on 127.0.0.1 is held by pid ${pid} (${process.execPath} -e`);
  if (facts?.unit) assert.is(answer.mend, `systemctl stop ${facts.unit}`);
  else assert.is(answer.mend, `kill ${pid}, if it is not needed`);
});

test('S1: a second address of the same port counts too', async (t) => {
  const port = await freePort();
  const server = createServer().listen(port, '::1');
  await once(server, 'listening');
  t.cleanup(() => server.close());
  const answer = await askPort([port], { unit: 'app.service', mainPid: 0 });
  assert.is(answer.status, 'fail');
  assert.match(answer.observed, `port ${port} on ::1 is held by pid ${process.pid}`);
});
