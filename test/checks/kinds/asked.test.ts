import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { CutoverError } from '../../../lib/base/errors.ts';
import { openController } from '../../../lib/base/wait.ts';
import { checkKinds } from '../../../lib/config/schema/check-kinds.ts';
import { kinds } from '../../../lib/checks/kinds.ts';
import { makeDirectory } from '../../builds/directory.ts';
import { suite, type TestContext } from '../../suite.ts';
import { askCheck, targetWith } from './asking.ts';

const test = suite('checks/kinds/asked');

/** A server that answers each path with its status. */
async function serve(t: TestContext): Promise<number> {
  const server = createServer(({ url = '', headers }, response) => {
    const status = Number(/\d+$/.exec(url)?.[0] ?? 200);
    response.writeHead(headers.authorization ? 200 : status).end(`you asked for ${url}`);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.cleanup(() => server.close());
  return (server.address() as AddressInfo).port;
}

test('B4: every kind that the configuration knows can be asked, and no other', () => {
  assert.equal(Object.keys(kinds).toSorted(), Object.keys(checkKinds).toSorted());
});

test('B4: several addresses, and a 401 for who has no credentials', async (t) => {
  const base = `http://127.0.0.1:${await serve(t)}`;
  const good = await askCheck(`kind = "http"\nurl = ["${base}/", "${base}/shop"]`);
  assert.is(good.status, 'pass');
  assert.match(good.observed, /^200 in \d+ ms, 200 in \d+ ms$/);
  const login = `kind = "http"\nurl = "${base}/login/401"\nstatus = 401`;
  assert.is((await askCheck(login)).status, 'pass');
  const open = await askCheck(`${login}\nheaders = { authorization = "Basic x" }`);
  assert.equal([open.status, open.expected, open.mend], ['fail', '401', `curl -i ${base}/login/401`]);
  assert.match(open.observed, 'answered 200, expected 401');
  const one = await askCheck(`kind = "http"\nurl = ["${base}/", "${base}/500"]`);
  assert.equal([one.status, one.expected], ['fail', '200']);
  assert.match(one.observed, '/500: answered 500');
  const body = await askCheck(`kind = "http"\nurl = "${base}/"\nbody = "nothing of this"`);
  assert.match(body.observed, 'the body does not match');
});

test('B4: a port that accepts, and one that does not', async () => {
  const server = createTcpServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const good = await askCheck(`kind = "tcp"\nport = ${port}`);
  assert.equal([good.status, good.expected], ['pass', `127.0.0.1 port ${port} accepts`]);
  await new Promise((resolve) => server.close(resolve));
  const bad = await askCheck(`kind = "tcp"\nport = ${port}`);
  assert.equal([bad.status, bad.observed], ['fail', 'connection refused']);
  assert.match(bad.mend ?? '', `ss -ltn 'sport = :${port}'`);
});

test('B4: a port that keeps silent is waited for as long as was said', async (t) => {
  const port = await silentPort(t);
  const silent = await askCheck(`kind = "tcp"\nport = ${port}\ntimeout = "300ms"`);
  assert.equal([silent.status, silent.observed], ['fail', 'no answer within 0.3 s']);
});

/** A process that listens and accepts nothing: once its queue is full, the kernel answers nobody. */
async function silentPort(t: TestContext): Promise<number> {
  const script = `const server = require('node:net').createServer();
    server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
      require('node:fs').writeSync(1, String(server.address().port));
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    });`;
  const child = spawn(process.execPath, ['--eval', script]);
  t.cleanup(() => child.kill('SIGKILL'));
  const port = Number(String((await once(child.stdout, 'data'))[0]));
  const waiting = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')];
  t.cleanup(() => waiting.forEach((socket) => socket.destroy()));
  await Promise.all(waiting.map((socket) => once(socket, 'connect')));
  return port;
}

test('P9: a command: exit 0 passes, the last line is what was observed', async (t) => {
  const builds = await makeDirectory(t);
  await mkdir(join(builds, 'dist.20260203-150001'));
  const target = { ...targetWith('kind = "tcp"\nport = 1', 'environment = { LIMIT = "5" }'), builds };
  const context = { target, app: 'shop', build: 'dist.20260203-150001', revision: 'abc' };
  const asked = (run: string, more = ''): ReturnType<typeof askCheck> => {
    const { checks, environment } = targetWith(
      `kind = "command"\nrun = ${run}\n${more}`,
      'environment = { LIMIT = "5" }',
    );
    const own = checks.map((check) => ({ ...check, when: ['before' as const] }));
    return askCheck('kind = "tcp"\nport = 1', {
      context: { ...context, target: { ...target, checks: own, environment } },
    });
  };
  const good = await asked(`'echo a; echo "$CUTOVER_APP $CUTOVER_TARGET $LIMIT $CUTOVER_REVISION"; pwd'`);
  assert.equal([good.status, good.observed], ['pass', `${builds}/dist.20260203-150001`]);
  const told = await asked(`'echo "$CUTOVER_APP $CUTOVER_TARGET $CUTOVER_UNIT $CUTOVER_BUILD $LIMIT"'`);
  assert.is(told.observed, 'shop main app.service dist.20260203-150001 5');
  const bad = await asked(`["sh", "-c", "echo 12 of 5 spent >&2; exit 3"]`);
  assert.equal([bad.status, bad.observed, bad.expected], ['fail', 'exit 3: 12 of 5 spent', 'exit 0']);
  assert.is(bad.mend, `cd ${builds}/dist.20260203-150001 && sh -c 'echo 12 of 5 spent >&2; exit 3'`);
  const quiet = await asked(`"true"`);
  assert.equal([quiet.status, quiet.observed], ['pass', 'exited with 0']);
  const user = await asked(`"id -un; exit 1"`, 'user = "www-data"\ndir = "/"');
  assert.equal(
    [user.observed, user.mend],
    ['exit 1: www-data', "runuser -u www-data -- sh -c 'cd / && id -un; exit 1'"],
  );
  const missing = await asked(`["./none.sh"]`);
  assert.is(missing.status, 'fail');
  assert.match(missing.observed, /^exit 127: .*none\.sh/);
});

test('S12: a command that hangs has failed at its deadline', async () => {
  const answer = await askCheck('kind = "command"\nrun = "echo thinking; sleep 60"\ndir = "/"\ntimeout = "8s"');
  assert.equal([answer.status, answer.observed], ['fail', 'no end within 8 s: thinking']);
});

test('S12: an interruption ends the asking', async () => {
  const controller = openController();
  const reason = new CutoverError('interrupted', 'interrupted by SIGINT');
  const asked = askCheck('kind = "command"\nrun = "sleep 60"\ndir = "/"', { signal: controller.signal });
  const began = performance.now();
  controller.abort(reason);
  assert.is((await asked).observed, reason.message);
  assert.ok(performance.now() - began < 30_000);
});

test('P7: after a deploy, what may come up has as long as the gate gives; what cannot is asked once', async (t) => {
  const port = await serve(t);
  const gate = 'health = { attempts = 5, interval = "200ms" }';
  const folder = await makeDirectory(t);
  const socket = join(folder, 'late.sock');
  const server = createServer((_, response) => response.end());
  t.cleanup(() => server.close());
  const late = askCheck(`kind = "http"\nurl = "http://unix:${socket}:/"`, { occasion: 'after', target: gate });
  await sleep(300);
  server.listen(socket);
  assert.is((await late).status, 'pass');
  const began = performance.now();
  const never = await askCheck(`kind = "http"\nurl = "http://127.0.0.1:${port}/500"`, {
    occasion: 'after',
    target: gate,
  });
  assert.is(never.status, 'fail');
  assert.ok(performance.now() - began >= 800, 'four pauses of 200 ms');
  const counter = join(folder, 'count');
  await writeFile(counter, '');
  await chmod(counter, 0o666);
  const once = await askCheck(`kind = "command"\nrun = "echo x >> ${counter}; wc -l < ${counter}; exit 1"\ndir = "/"`, {
    occasion: 'after',
    target: gate,
  });
  assert.is(once.observed, 'exit 1: 1');
  const before = await askCheck(`kind = "http"\nurl = "http://127.0.0.1:${port}/500"`, { target: gate });
  assert.is(before.status, 'fail');
});
