import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, realpath, rm } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { commandLineOf } from '../../lib/systemd/command-line.ts';
import { describeProcess, parseStat, portHolders, unitIn } from '../../lib/systemd/processes.ts';
import { listListeners, ownersOf } from '../../lib/systemd/sockets.ts';
import { suite, type TestContext } from '../suite.ts';

const test = suite('systemd/sockets');

/** A server on a port of the kernel's choice; open connections end with it. */
async function listenOn(t: TestContext, host: string, port = 0): Promise<{ server: Server; port: number }> {
  const server = createServer();
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => sockets.add(socket.on('error', () => {})));
  server.listen({ host, port, ipv6Only: host === '::1' });
  await once(server, 'listening');
  t.cleanup(async () => {
    for (const socket of sockets) socket.destroy();
    if (server.listening) await new Promise((resolve) => server.close(resolve));
  });
  return { server, port: portOf(server) };
}

function portOf(server: Server): number {
  const address: AddressInfo | string | null = server.address();
  if (address === null || typeof address === 'string') throw new Error('no TCP server');
  return address.port;
}

/** A node that listens, and says on which port. */
async function listenInChild(t: TestContext, { args = [], cwd }: { args?: string[]; cwd?: string } = {}) {
  const code = `const s = require('net').createServer().listen(0, '127.0.0.1', () => console.log(s.address().port))`;
  const child = spawn(process.execPath, ['-e', code, '--', ...args], { cwd, stdio: ['ignore', 'pipe', 'inherit'] });
  t.cleanup(() => child.kill('SIGKILL'));
  const [line] = await once(child.stdout, 'data');
  return { child, pid: Number(child.pid), port: Number(String(line)) };
}

for (const [host, family] of [
  ['127.0.0.1', 'ipv4'],
  ['127.0.0.2', 'ipv4'],
  ['0.0.0.0', 'ipv4'],
  ['::1', 'ipv6'],
  ['::', 'ipv6'],
  ['::ffff:127.0.0.1', 'ipv6'],
] as const) {
  test(`S1: a listener on ${host} is found, with its process`, async (t) => {
    const { port } = await listenOn(t, host);
    const listeners = await listListeners([port]);
    assert.is(listeners.length, 1);
    const { inode, ...rest } = listeners[0] ?? { inode: '' };
    assert.equal(rest, { port, address: host, family, uid: process.getuid?.() });
    assert.equal(await ownersOf(new Set([inode])), new Map([[inode, [process.pid]]]));
  });
}

test('S1: only the ports asked for, each of them, and one port on two addresses', async (t) => {
  const one = await listenOn(t, '127.0.0.1');
  const two = await listenOn(t, '127.0.0.1');
  await listenOn(t, '::1', one.port);
  await listenOn(t, '127.0.0.1');
  const found = await listListeners([one.port, two.port]);
  const keys = found.map(({ port, address }) => `${port} ${address}`);
  assert.equal(keys.toSorted(), [`${one.port} 127.0.0.1`, `${one.port} ::1`, `${two.port} 127.0.0.1`].toSorted());
  assert.equal(await listListeners([]), []);
});

test('S2: a closed listener is gone at once, though a connection of it lives on', async (t) => {
  const { server, port } = await listenOn(t, '127.0.0.1');
  const client = connect(port, '127.0.0.1').on('error', () => {});
  t.cleanup(() => client.destroy());
  await once(server, 'connection');
  assert.is((await listListeners([port])).length, 1);
  server.close();
  assert.equal(await listListeners([port]), []);
});

test('S2: many listeners and very many connections do not hide one, and cost little', async (t) => {
  const servers = [];
  for (let number = 0; number < 80; number += 1) servers.push(await listenOn(t, '127.0.0.1'));
  const clients: Socket[] = [];
  t.cleanup(() => clients.forEach((client) => client.destroy()));
  for (let number = 0; number < 1200; number += 1) {
    const client = connect(servers[number % 80]?.port ?? 0, '127.0.0.1').on('error', () => {});
    clients.push(client);
    await once(client, 'connect');
  }
  const ports = servers.map(({ port }) => port);
  const found = (await listListeners(ports)).map(({ port }) => port);
  assert.equal(new Set(found), new Set(ports));
  const began = performance.now();
  for (let times = 0; times < 100; times += 1) await listListeners(ports.slice(0, 1));
  const eachMs = (performance.now() - began) / 100;
  console.log(`asking once: ${eachMs.toFixed(3)} ms`);
  assert.ok(eachMs < 200, `${eachMs} ms`);
});

test('S1: the holder of a port is named: pid, command, directory, user', async (t) => {
  const directory = await realpath(await mkdtemp(join(tmpdir(), 'cutover-sockets-')));
  t.cleanup(() => rm(directory, { recursive: true, force: true }));
  const { pid, port } = await listenInChild(t, { args: ['--token', 'hush'], cwd: directory });
  const [holder, ...others] = await portHolders(port);
  assert.is(others.length, 0);
  assert.is(holder?.listener.address, '127.0.0.1');
  const [facts, ...more] = holder?.processes ?? [];
  assert.is(more.length, 0);
  assert.is(facts?.pid, pid);
  assert.is(facts?.cwd, directory);
  assert.is(facts?.cwdDeleted, false);
  assert.is(facts?.executable, await realpath(process.execPath));
  assert.is(facts?.uid, process.geteuid?.());
  assert.ok(facts?.command.startsWith(`${process.execPath} -e `));
  assert.not.match(facts?.command ?? '', 'hush');
  assert.ok((facts?.startTicks ?? 0) >= ((await describeProcess(process.pid))?.startTicks ?? Infinity));
});

test('S1: a socket that two processes share names both', async (t) => {
  const { server, port } = await listenOn(t, '127.0.0.1');
  const child = spawn('sleep', ['60'], { stdio: ['ignore', 'ignore', 'ignore', descriptorOf(server)] });
  t.cleanup(() => child.kill('SIGKILL'));
  await once(child, 'spawn');
  const [holder] = await portHolders(port);
  const pids = (holder?.processes ?? []).map(({ pid }) => pid);
  assert.equal(new Set(pids), new Set([process.pid, child.pid]));
});

/** What Node itself uses to hand a server's descriptor on; there is no public way to ask. */
function descriptorOf(server: Server): number {
  const handle: { fd: number } = Reflect.get(server, '_handle');
  return handle.fd;
}

test('S1: only the processes that were named are looked at', async (t) => {
  const { port } = await listenOn(t, '127.0.0.1');
  const { pid } = await listenInChild(t);
  const inode = (await listListeners([port]))[0]?.inode ?? '';
  assert.equal(await ownersOf(new Set([inode]), [pid]), new Map());
  assert.equal(await ownersOf(new Set([inode]), [pid, process.pid]), new Map([[inode, [process.pid]]]));
  assert.equal(await ownersOf(new Set([inode]), [2 ** 22 + 1]), new Map());
  assert.equal(await ownersOf(new Set()), new Map());
});

test('S3: a process in a removed directory says so', async (t) => {
  const parent = await realpath(await mkdtemp(join(tmpdir(), 'cutover-sockets-')));
  t.cleanup(() => rm(parent, { recursive: true, force: true }));
  const gone = join(parent, 'gone');
  const honest = join(parent, 'kept (deleted)');
  await Promise.all([mkdir(gone), mkdir(honest)]);
  const first = await listenInChild(t, { cwd: gone });
  const second = await listenInChild(t, { cwd: honest });
  await rm(gone, { recursive: true });
  const [one, two] = await Promise.all([describeProcess(first.pid), describeProcess(second.pid)]);
  assert.equal([one?.cwd, one?.cwdDeleted], [gone, true]);
  assert.equal([two?.cwd, two?.cwdDeleted], [honest, false]);
});

test('S1: a process that has ended is none', async (t) => {
  const { child, pid } = await listenInChild(t);
  child.kill('SIGKILL');
  await once(child, 'exit');
  assert.is(await describeProcess(pid), null);
});

test('S1: a name with spaces and parentheses does not shift the fields', () => {
  const behind = ['S', ...Array.from({ length: 18 }, (_, at) => String(at)), '4711', '99'].join(' ');
  assert.equal(parseStat(`12 (a) b (c)) ${behind}`), { name: 'a) b (c)', startTicks: 4711 });
});

test('S1: the unit is found in whichever hierarchy names one', () => {
  const cases: [string, string | null][] = [
    ['0::/system.slice/app.service\n', 'app.service'],
    ['0::/system.slice/system-app.slice/app@1.service/worker\n', 'app@1.service'],
    ['0::/user.slice/user-1000.slice/user@1000.service/app.slice/app.service\n', 'app.service'],
    ['0::/user.slice/user-1000.slice/session-3.scope\n', 'session-3.scope'],
    ['9:name=systemd:/system.slice/app.service\n4:memory:/other.service\n0::/\n', 'app.service'],
    ['9:name=systemd:/\n0::/system.slice/app.service\n', 'app.service'],
    ['1:name=systemd:/system.slice/app.socket\n', 'app.socket'],
    ['4:memory:/system.slice/app.service\n0::/\n', null],
    ['0::/user.slice\n', null],
    ['', null],
  ];
  for (const [text, unit] of cases) assert.is(unitIn(text), unit, text);
});

test('W4: a command line is shown without its secrets', () => {
  const cases: [string[], string][] = [
    [['app', '--password', 'two words', '--port', '1'], 'app --password [redacted] --port 1'],
    [['app', '--db-password=hush', '-v'], 'app --db-password=[redacted] -v'],
    [['app', '--token=hush', '--api-key', 'hush'], 'app --token=[redacted] --api-key [redacted]'],
    [['env', 'DB_PASSWORD=hush', 'app'], 'env DB_PASSWORD=[redacted] app'],
    [['sh', '-c', 'app --secret hush; TOKEN="a b" run'], 'sh -c app --secret [redacted] TOKEN=[redacted] run'],
    [['psql', 'postgres://me:hush@host/db'], 'psql postgres://me:[redacted]@host/db'],
    [['curl', '-H', 'Authorization: Bearer hush', 'x'], 'curl -H Authorization: [redacted] x'],
    [['curl', 'http://x/?token=hush&a=1'], 'curl http://x/?token=[redacted]&a=1'],
    [['node', 'tokenize.js', '--passive', 'yes'], 'node tokenize.js --passive yes'],
    [['a\nb', 'c'], 'a b c'],
    [['\u001b]0;mine\u0007a\u001b[2J', '\u009b31mb\u0008'], 'a b'],
    [['app', '--pass\u001b[0mword=hush'], 'app --password=[redacted]'],
    [['x'.repeat(50), '--pass\u0007word', 'hush'], `${'x'.repeat(50)} --password [redacted]`],
  ];
  for (const [args, line] of cases) assert.is(commandLineOf(args), line);
  assert.is(commandLineOf(['x'.repeat(500)]).length, 200);
});
