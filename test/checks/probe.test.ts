import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { CutoverError } from '../../lib/base/errors.ts';
import { openController } from '../../lib/base/wait.ts';
import { askHttp } from '../../lib/checks/http.ts';
import type { Expectation } from '../../lib/checks/judge.ts';
import { probe } from '../../lib/checks/probe.ts';
import { makeDirectory, rejection } from '../builds/directory.ts';
import { suite, type TestContext } from '../suite.ts';

const test = suite('checks/probe');
const expectation: Expectation = { statuses: [[200, 200]], json: {}, body: null, headers: {}, timeoutMs: 5_000 };
const brief = { ...expectation, timeoutMs: 200 };

/** A server on a port of the kernel's choice or a path, which ends with the test and its connections with it. */
async function listen(t: TestContext, server: Server, where: { host?: string; path?: string } = {}): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket.on('error', () => {})));
  server.listen(where.path ? { path: where.path } : { port: 0, host: where.host ?? '127.0.0.1' });
  await once(server, 'listening');
  t.cleanup(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return where.path ? 0 : (server.address() as AddressInfo).port;
}

async function serve(t: TestContext, answer: RequestListener): Promise<string> {
  return `http://127.0.0.1:${await listen(t, createServer(answer))}`;
}

test('S3: an answer as expected has no problem', async (t) => {
  const url = await serve(t, (_, response) => response.end('{"status":"healthy"}'));
  const result = await probe(`${url}/api/health`, { ...expectation, json: { status: 'healthy' } });
  assert.equal(
    [result.status, result.problem, result.isRefused, result.text],
    [200, null, false, '{"status":"healthy"}'],
  );
  assert.ok(result.durationMs > 0);
});

test('S3: the path, its query, the configured headers and an own connection', async (t) => {
  const seen: unknown[] = [];
  const url = await serve(t, ({ url: path, headers, method }, response) => {
    seen.push([method, path, headers.authorization, headers.connection]);
    response.end();
  });
  await probe(`${url}/api/health?deep=1&x=%20y`, { ...expectation, headers: { authorization: 'Bearer hush' } });
  assert.equal(seen, [['GET', '/api/health?deep=1&x=%20y', 'Bearer hush', 'close']]);
});

test('S3: a configured host header replaces the address', async (t) => {
  const seen: (string | undefined)[] = [];
  const url = await serve(t, ({ headers }, response) => {
    seen.push(headers.host);
    response.end();
  });
  await probe(url, { ...expectation, headers: { Host: 'shop.example' } });
  assert.equal(seen, ['shop.example']);
});

test('S3: a wrong status has its problem and is not refused', async (t) => {
  const url = await serve(t, (_, response) => response.writeHead(503).end('down'));
  const { status, problem, isRefused } = await probe(url, expectation);
  assert.equal([status, problem, isRefused], [503, 'answered 503, expected 200: down', false]);
});

test('S3: a redirection is an answer and is not followed', async (t) => {
  let followed = false;
  const url = await serve(t, ({ url: path }, response) => {
    if (path === '/elsewhere') followed = true;
    else response.writeHead(302, { location: '/elsewhere' });
    response.end();
  });
  const { status, problem } = await probe(`${url}/health`, expectation);
  assert.equal([status, problem, followed], [302, 'answered 302, expected 200', false]);
});

test('S3: nobody there is refused, on a port and on a path', async (t) => {
  const server = createTcpServer();
  const port = await listen(t, server);
  await new Promise((resolve) => server.close(resolve));
  const onPort = await probe(`http://127.0.0.1:${port}/`, expectation);
  assert.equal([onPort.status, onPort.problem, onPort.isRefused], [null, 'connection refused', true]);
  const onPath = await probe(`http://unix:${join(await makeDirectory(t), 'none.sock')}:/`, expectation);
  assert.equal([onPath.status, onPath.isRefused], [null, true]);
});

test('S3: a connection that is cut before an answer is wrong, not absent', async (t) => {
  const port = await listen(
    t,
    createTcpServer((socket) => socket.once('data', () => socket.resetAndDestroy())),
  );
  const { status, problem, isRefused } = await probe(`http://127.0.0.1:${port}/`, expectation);
  assert.equal([status, problem, isRefused], [null, 'the connection was closed before an answer', false]);
  const ending = await listen(
    t,
    createTcpServer((socket) => socket.once('data', () => socket.end())),
  );
  const ended = await probe(`http://127.0.0.1:${ending}/`, expectation);
  assert.equal([ended.status, ended.problem], [null, 'the connection was closed before an answer']);
});

test('S3: an answer that is cut off in the middle is no answer', async (t) => {
  const url = await serve(t, (_, response) => {
    response.writeHead(200, { 'content-length': '100' });
    response.write('{"status":', () => response.destroy());
  });
  const { status, problem, isRefused } = await probe(url, expectation);
  assert.is(status, null);
  assert.ok(problem);
  assert.is(isRefused, false);
});

test('S3: who answers in no HTTP is wrong', async (t) => {
  const port = await listen(
    t,
    createTcpServer((socket) => socket.end('220 mail ready\r\n')),
  );
  const { status, problem, isRefused } = await probe(`http://127.0.0.1:${port}/`, expectation);
  assert.is(status, null);
  assert.match(problem ?? '', 'Parse Error');
  assert.is(isRefused, false);
});

test('S3: who leaves HTTP for another protocol has answered, and the answer is wrong', async (t) => {
  const head = ['HTTP/1.1 101 Switching Protocols', 'Connection: Upgrade', 'Upgrade: websocket', '', ''].join('\r\n');
  const server = createTcpServer((socket) => socket.once('data', () => socket.write(head)));
  const result = await probe(`http://127.0.0.1:${await listen(t, server)}/`, expectation);
  assert.equal([result.status, result.problem], [101, 'answered 101, expected 200']);
});

test('S3: the deadline covers a silent server, a half header and a body that trickles', async (t) => {
  const silent = await listen(t, createTcpServer());
  const half = await listen(
    t,
    createTcpServer((socket) => socket.write('HTTP/1.1 200 OK\r\nContent-')),
  );
  const trickling = await listen(
    t,
    createServer((_, response) => {
      response.writeHead(200);
      const timer = setInterval(() => response.write('x'), 20);
      response.on('close', () => clearInterval(timer));
    }),
  );
  for (const port of [silent, half, trickling]) {
    const { status, problem, isRefused, durationMs } = await probe(`http://127.0.0.1:${port}/`, brief);
    assert.equal([status, problem, isRefused], [null, 'no answer within 0.2 s', false]);
    assert.ok(durationMs < 20_000, `${durationMs}`);
  }
});

test('S3: a body without an end is read only so far', async (t) => {
  const url = await serve(t, (_, response) => {
    const more = (): void => {
      while (response.write('x'.repeat(65_536)));
      response.once('drain', more);
    };
    more();
  });
  const { status, text, problem } = await probe(url, expectation);
  assert.equal([status, problem], [200, null]);
  assert.ok(text.length > 1024 * 1024 && text.length < 2 * 1024 * 1024, `${text.length}`);
});

test('S3: letters that were cut between two packets come out whole', async (t) => {
  const letters = Buffer.from('{"status":"grün ✓"}');
  const url = await serve(t, (_, response) => {
    response.write(letters.subarray(0, 13));
    setTimeout(() => response.end(letters.subarray(13)), 20);
  });
  assert.is((await probe(url, { ...expectation, json: { status: 'grün ✓' } })).problem, null);
});

test('S3: a socket in the file system is asked with its path', async (t) => {
  const path = join(await makeDirectory(t), 'app.sock');
  const seen: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    seen.push(request.url);
    response.end('up');
  });
  await listen(t, server, { path });
  const { status, problem, text } = await probe(`http://unix:${path}:/health?deep=1`, expectation);
  assert.equal([status, problem, text], [200, null, 'up']);
  assert.equal(seen, ['/health?deep=1']);
});

test('S3: who is named in an address logs in with it, and a header says more', async (t) => {
  const url = await serve(t, ({ headers }, response) => response.end(headers.authorization ?? 'nobody'));
  const withName = url.replace('//', '//shop:p%40ss@');
  const basic = `Basic ${Buffer.from('shop:p@ss').toString('base64')}`;
  assert.equal([(await probe(url, expectation)).text, (await probe(withName, expectation)).text], ['nobody', basic]);
  const percent = `Basic ${Buffer.from('shop:100%sure').toString('base64')}`;
  assert.is((await probe(url.replace('//', '//shop:100%sure@'), expectation)).text, percent);
  const headers = { authorization: 'Bearer other' };
  assert.is((await probe(withName, { ...expectation, headers })).text, 'Bearer other');
});

test('S3: a Unix socket that is named without a path is asked for its root', async (t) => {
  const path = join(await makeDirectory(t), 'app.sock');
  await listen(
    t,
    createServer(({ url }, response) => response.end(url)),
    { path },
  );
  assert.is((await probe(`http://unix:${path}:`, expectation)).text, '/');
});

test('S3: an address of IPv6 is asked', async (t) => {
  const port = await listen(
    t,
    createServer((_, response) => response.end('six')),
    { host: '::1' },
  );
  const { status, text } = await probe(`http://[::1]:${port}/`, expectation);
  assert.equal([status, text], [200, 'six']);
});

test('S3: a proxy of the environment is not asked', async (t) => {
  const proxy = await serve(t, (_, response) => response.end('from the proxy'));
  const server = createTcpServer();
  const dead = await listen(t, server);
  await new Promise((resolve) => server.close(resolve));
  for (const name of ['HTTP_PROXY', 'http_proxy', 'ALL_PROXY', 'NODE_USE_ENV_PROXY']) {
    const before = process.env[name];
    process.env[name] = name === 'NODE_USE_ENV_PROXY' ? '1' : proxy;
    t.cleanup(() => (before === undefined ? delete process.env[name] : (process.env[name] = before)));
  }
  const { status, isRefused } = await probe(`http://127.0.0.1:${dead}/`, expectation);
  assert.equal([status, isRefused], [null, true]);
});

test('S3: an interruption ends the question with its reason, before and during it', async (t) => {
  const port = await listen(t, createTcpServer());
  const controller = openController();
  const reason = new CutoverError('interrupted', 'interrupted by SIGINT');
  const asked = probe(`http://127.0.0.1:${port}/`, expectation, controller.signal);
  setImmediate(() => controller.abort(reason));
  assert.is(await rejection(asked), reason);
  assert.is(await rejection(probe(`http://127.0.0.1:${port}/`, expectation, controller.signal)), reason);
});

test('S1: the check passes when every address is good, and names the one that is not', async (t) => {
  const good = await serve(t, (_, response) => response.end('{}'));
  const bad = await serve(t, (_, response) => response.writeHead(500).end('broken'));
  const passed = await askHttp([good, good], expectation, 'look');
  assert.is(passed.status, 'pass');
  assert.match(passed.observed, /^200 in \d+ ms, 200 in \d+ ms$/);
  const failed = await askHttp([good, bad], { ...expectation, json: { a: 1 } }, 'look at the journal');
  assert.equal(
    [failed.status, failed.expected, failed.mend],
    ['fail', '200 and the configured JSON', 'look at the journal'],
  );
  const wrong = await askHttp([good, bad], expectation, 'look');
  assert.is(wrong.observed, `${bad}: answered 500, expected 200: broken`);
  const none = await askHttp([], expectation, 'look');
  assert.is(none.status, 'warn');
  assert.match(none.mend ?? '', 'health.url');
});
