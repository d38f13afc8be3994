import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { Agent, get } from 'node:http';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { makeDirectory } from '../builds/directory.ts';
import { until } from '../deploy/site.ts';
import { repository } from '../sandboxed.ts';
import { suite, type TestContext } from '../suite.ts';
import { type Behaviour, makeBuild, unitFile } from './builds.ts';

const test = suite('services/app');
const build = 'dist.20260203-151116';

interface App {
  child: ChildProcessWithoutNullStreams;
  path: string;
  /** resolves with [code, signal] */
  ended: Promise<unknown[]>;
  /** all it prints on stderr, once it has ended */
  errors: Promise<string>;
  /** the port and the pid that listens, once it does */
  listening: Promise<{ port: number; pid: number; atMs: number }>;
}

async function start(t: TestContext, behaviour?: Behaviour, env: Record<string, string> = {}): Promise<App> {
  const path = await makeBuild(await makeDirectory(t), build, behaviour);
  const began = performance.now();
  const child = spawn(process.execPath, ['app.mjs'], { cwd: path, env: { ...process.env, PORT: '0', ...env } });
  t.cleanup(() => child.kill('SIGKILL'));
  return {
    child,
    path,
    ended: once(child, 'exit'),
    errors: text(child.stderr),
    listening: once(child.stdout, 'data').then(([line]) => {
      const [, port, pid] = /listens on (\d+), pid (\d+)/.exec(String(line)) ?? [];
      return { port: Number(port), pid: Number(pid), atMs: performance.now() - began };
    }),
  };
}

function ask(
  port: number,
  path = '/api/health',
  {
    timeoutMs = 5000,
    ...how
  }: { agent?: Agent | false; timeoutMs?: number; headers?: Record<string, string>; socketPath?: string } = {},
) {
  return new Promise<{ status: number; body: string; connection: string | undefined }>((resolve, reject) => {
    const request = get({ port, path, host: '127.0.0.1', timeout: timeoutMs, ...how }, (response) => {
      const { statusCode: status = 0, headers } = response;
      text(response).then((body) => resolve({ status, body, connection: headers.connection }), reject);
    });
    request.on('timeout', () => request.destroy(new Error('no answer')));
    request.on('error', reject);
  });
}

const failure = (asked: Promise<unknown>): Promise<string> =>
  asked.then(
    () => 'none',
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );

test('good answers with its build, its pid and its services', async (t) => {
  const { child, listening } = await start(t);
  const { port } = await listening;
  const health = await ask(port);
  assert.is(health.status, 200);
  const services = { redis: { status: 'connected' } };
  assert.equal(JSON.parse(health.body), { status: 'healthy', build, pid: child.pid, services });
  assert.is((await ask(port, '/')).body, build);
  assert.is((await ask(port, '/slow?ms=50')).body, build);
  assert.is((await ask(port, '/nowhere')).status, 404);
});

test('an idle one ends with 0 at once, one with idle connections soon', async (t) => {
  const idle = await start(t);
  await idle.listening;
  const began = performance.now();
  idle.child.kill('SIGTERM');
  assert.equal(await idle.ended, [0, null]);
  assert.ok(performance.now() - began < 10_000, `${performance.now() - began} ms`);

  const kept = await start(t);
  const { port } = await kept.listening;
  const agent = new Agent({ keepAlive: true });
  const silent = connect(port, '127.0.0.1').on('error', () => {});
  t.cleanup(() => [agent.destroy(), silent.destroy()]);
  await ask(port, '/', { agent });
  const beganKept = performance.now();
  kept.child.kill('SIGTERM');
  assert.equal(await kept.ended, [0, null]);
  assert.ok(performance.now() - beganKept < 10_000, `${performance.now() - beganKept} ms`);
});

test('what is on its way is answered, new connections are refused', async (t) => {
  const { child, ended, listening } = await start(t, {}, { IDLE_PAUSE_MS: '60000' });
  const { port } = await listening;
  const agent = new Agent({ keepAlive: true });
  t.cleanup(() => agent.destroy());
  await ask(port, '/', { agent });
  // One that is accepted already: what still waits for that is lost.
  const other = new Agent({ keepAlive: true });
  t.cleanup(() => other.destroy());
  await ask(port, '/', { agent: other });
  const slow = ask(port, '/slow?ms=5000', { agent: other, timeoutMs: 20_000 });
  child.kill('SIGTERM');
  const knock = (): Promise<unknown> => ask(port, '/', { agent: false });
  await until('it listens no more', async () => (await failure(knock())).includes('ECONNREFUSED'));
  const last = await ask(port, '/', { agent });
  assert.equal([last.status, last.connection], [200, 'close']);
  assert.is((await slow).body, build);
  assert.equal(await ended, [0, null]);
});

for (const [mode, code] of [
  ['crash', 1],
  ['exit0', 0],
] as const) {
  test(`${mode} ends with ${code} before it listens`, async (t) => {
    const { ended, child } = await start(t, { mode });
    const said = text(child.stdout);
    assert.equal(await ended, [code, null]);
    assert.is(await said, '');
  });
}

test('crash_later serves, then ends with 1', async (t) => {
  const { ended, listening } = await start(t, { mode: 'crash_later', afterMs: 10_000 });
  const { port } = await listening;
  assert.is((await ask(port)).status, 200);
  assert.equal(await ended, [1, null]);
});

test('never_listen stays, and ends when asked to', async (t) => {
  const { child, ended } = await start(t, { mode: 'never_listen' });
  const said = text(child.stdout);
  await once(child.stderr, 'data');
  await sleep(300);
  assert.is(child.exitCode, null);
  child.kill('SIGTERM');
  assert.equal(await ended, [0, null]);
  assert.is(await said, '');
});

test('hang accepts and never answers, and ends when asked to', async (t) => {
  const { child, ended, listening } = await start(t, { mode: 'hang' });
  const { port } = await listening;
  assert.is(await failure(ask(port, '/', { timeoutMs: 200 })), 'no answer');
  const waiting = failure(ask(port));
  await sleep(50);
  child.kill('SIGTERM');
  assert.equal(await ended, [0, null]);
  assert.is.not(await waiting, 'none');
});

test('status and wrong_body answer wrongly', async (t) => {
  const broken = await start(t, { mode: 'status', status: 503 });
  assert.is((await ask((await broken.listening).port)).status, 503);
  const unwell = await start(t, { mode: 'wrong_body' });
  const { status, body } = await ask((await unwell.listening).port);
  assert.equal([status, JSON.parse(body).status], [200, 'unhealthy']);
});

test('ignore_sigterm goes on', async (t) => {
  const { child, ended, listening } = await start(t, { mode: 'ignore_sigterm' });
  const { port } = await listening;
  child.kill('SIGTERM');
  await sleep(300);
  assert.is((await ask(port)).status, 200);
  child.kill('SIGKILL');
  assert.equal(await ended, [null, 'SIGKILL']);
});

test('eat_memory holds what it was told to', async (t) => {
  const { child, listening } = await start(t, { mode: 'eat_memory', megabytes: 200 });
  const { port } = await listening;
  assert.is((await ask(port)).status, 200);
  const status = await readFile(`/proc/${child.pid}/status`, 'utf8');
  assert.ok(Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) > 200 * 1024);
});

test('log_errors serves, and complains on both streams', async (t) => {
  const { child, ended, errors, listening } = await start(t, { mode: 'log_errors', lines: 2, message: 'oh no' });
  const { port } = await listening;
  assert.is((await ask(port)).status, 200);
  child.kill('SIGTERM');
  await ended;
  assert.is(await errors, '<3>error 1: oh no\n<3>error 2: oh no\n');
});

test('fork_away ends with 0 while its child serves', async (t) => {
  const { child, ended, listening } = await start(t, { mode: 'fork_away' });
  const { port, pid } = await listening;
  t.cleanup(() => process.kill(pid, 'SIGKILL'));
  assert.equal(await ended, [0, null]);
  assert.is.not(pid, child.pid);
  assert.equal(JSON.parse((await ask(port)).body).pid, pid);
});

test('slow_start, and any startMs, listens late', async (t) => {
  const { listening } = await start(t, { mode: 'slow_start', startMs: 500 });
  assert.ok((await listening).atMs >= 500);
});

test('held listens when it is let go', async (t) => {
  const { listening, path } = await start(t, { mode: 'held' });
  const isHeld = await Promise.race([listening.then(() => false), sleep(300).then(() => true)]);
  assert.ok(isHeld, 'it listens before');
  await writeFile(`${path}/go`, '');
  await listening;
});

test('flaky is bad now and then, sicken from a moment on', async (t) => {
  const statuses = async (port: number): Promise<number[]> => {
    const found: number[] = [];
    for (let time = 0; time < 6; time += 1) found.push((await ask(port)).status);
    return found;
  };
  const flaky = await start(t, { mode: 'flaky' });
  assert.equal(await statuses((await flaky.listening).port), [200, 200, 503, 200, 200, 503]);
  const sick = await start(t, { mode: 'sicken', afterMs: 10_000 });
  const { port } = await sick.listening;
  assert.is((await ask(port)).status, 200);
  await until('it is unwell', async () => (await ask(port)).status === 503);
  assert.equal([...new Set(await statuses(port))], [503]);
});

test('it says at a path what it was told to, to whom it was told to', async (t) => {
  const wants = { 'x-token': 'hush' };
  const { listening } = await start(t, { answers: { '/ready': { status: 204 }, '/private': { body: 'in', wants } } });
  const { port } = await listening;
  assert.equal([(await ask(port, '/ready')).status, (await ask(port)).status], [204, 200]);
  assert.equal(
    [(await ask(port, '/private')).status, (await ask(port, '/private', { headers: wants })).body],
    [401, 'in'],
  );
});

test('it listens on a Unix socket too, whatever an older process left there', async (t) => {
  const socketPath = `${await makeDirectory(t)}/app.sock`;
  await writeFile(socketPath, '');
  const { child, ended, listening } = await start(t, { socket: socketPath });
  const { port } = await listening;
  const [over, beside] = [await ask(port, '/', { socketPath }), await ask(port, '/')];
  assert.equal([over.body, beside.body], [build, build]);
  child.kill('SIGTERM');
  assert.equal(await ended, [0, null]);
});

test('a taken port ends it with 1', async (t) => {
  const other = await start(t);
  const { port } = await other.listening;
  const { ended, errors } = await start(t, {}, { PORT: String(port) });
  assert.equal(await ended, [1, null]);
  assert.match(await errors, '<3>cannot listen');
});

test('a mode that nobody knows is refused', async (t) => {
  const path = await makeBuild(await makeDirectory(t), build, JSON.parse('{"mode": "goood"}'));
  const [code] = await once(spawn(process.execPath, ['app.mjs'], { cwd: path, stdio: 'ignore' }), 'exit');
  assert.is(code, 64);
});

test('a listener that was handed over is used', async (t) => {
  const path = await makeBuild(await makeDirectory(t), build);
  const socket = createServer().listen(0, '127.0.0.1');
  await once(socket, 'listening');
  const address = socket.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  const handle: { fd: number } = Reflect.get(socket, '_handle');
  const env = { ...process.env, LISTEN_FDS: '1', PORT: '1' };
  const child = spawn(process.execPath, ['app.mjs'], {
    cwd: path,
    env,
    stdio: ['ignore', 'pipe', 'inherit', handle.fd],
  });
  t.cleanup(() => child.kill('SIGKILL'));
  const [line] = await once(child.stdout ?? child, 'data');
  await new Promise((resolve) => socket.close(resolve));
  assert.match(String(line), `listens on ${port}`);
  assert.is((await ask(port)).status, 200);
});

test('the unit has the limits of the shipped one', async () => {
  const shipped = await readFile(join(repository, 'units/app.service'), 'utf8');
  const unit = unitFile({ buildsDir: '/srv/app', port: 9000, node: '/usr/bin/node', extra: ['MemoryMax=1G'] });
  for (const name of ['StartLimitIntervalSec', 'StartLimitBurst', 'Type', 'Restart', 'KillMode', 'TimeoutStopSec']) {
    const [wanted, found] = [shipped, unit].map((text) => new RegExp(`^${name}=(\\w+?)s?$`, 'm').exec(text)?.[1]);
    assert.ok(wanted, name);
    assert.is(found, wanted, name);
  }
  for (const line of ['WorkingDirectory=/srv/app/current', 'ExecStart=/usr/bin/node app.mjs', 'Environment=PORT=9000'])
    assert.ok(unit.split('\n').includes(line), line);
  const [above] = unit.split('[Install]');
  assert.match(above ?? '', '\nMemoryMax=1G\n');
});
