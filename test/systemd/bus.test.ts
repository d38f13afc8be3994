// needs: sandbox
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { CutoverError } from '../../lib/base/errors.ts';
import { poll } from '../../lib/base/wait.ts';
import { connectBus } from '../../lib/systemd/bus.ts';
import { isUp } from '../../lib/systemd/facts.ts';
import { manager } from '../../lib/systemd/names.ts';
import { makeDirectory, rejection } from '../builds/directory.ts';
import type { TestSandbox } from '../sandboxed.ts';
import { suite, type TestContext } from '../suite.ts';
import { systemdInside, writeService } from './inside.ts';

const test = suite('systemd/bus');
const soon = { timeoutMs: 20_000 };
const sleeping = ['Type=exec', 'ExecStart=/bin/sleep infinity'];
const listUnits = { ...manager, member: 'ListUnits' };

/** Kills the bus; the next connection to its socket starts another one, however often it was killed before. */
async function killBus(sandbox: TestSandbox): Promise<void> {
  await sandbox.run('systemctl', 'kill', '--signal=KILL', 'dbus.service');
  await sandbox.run('systemctl', 'reset-failed', 'dbus.service', 'dbus.socket');
}

/** A bus that is somebody else: what it does with a connection is up to the test. */
async function serveBus(t: TestContext, onConnection: (socket: Socket) => void): Promise<NodeJS.ProcessEnv> {
  const path = join(await makeDirectory(t), 'bus');
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => {}));
    onConnection(socket);
  }).listen(path);
  await once(server, 'listening');
  t.cleanup(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { DBUS_SYSTEM_BUS_ADDRESS: `unix:path=${path}` };
}

/** What the first question to the bus of these surroundings comes to. */
async function ask(kind: 'system' | 'user', env: NodeJS.ProcessEnv): Promise<unknown> {
  const bus = await connectBus(kind, env);
  return bus.call(listUnits);
}

test('S1: without a bus the error says so at once, with exit code 69', async (t) => {
  const directory = await makeDirectory(t);
  const path = join(directory, 'none');
  const closed = join(directory, 'closed');
  await writeFile(closed, '');
  for (const socket of [path, closed]) {
    const error = await rejection(ask('system', { DBUS_SYSTEM_BUS_ADDRESS: `unix:path=${socket}` }));
    assert.ok(error instanceof CutoverError, socket);
    assert.equal([error.code, error.exitCode], ['systemd_unavailable', 69], socket);
    assert.match(error.message, socket);
    assert.match(error.mend ?? '', 'systemctl start dbus.socket');
  }
  const user = await rejection(ask('user', { XDG_RUNTIME_DIR: directory }));
  assert.is(user.code, 'systemd_unavailable');
  assert.match(user.message, join(directory, 'bus'));
  assert.match(user.mend ?? '', 'enable-linger');
});

test('S1: an address of a kind that cannot be connected to is no defect of ours', async () => {
  for (const address of ['unix:abstract=/somewhere', 'unix:nothing=1', 'nonsense', 'nonce-tcp:host=127.0.0.1']) {
    const error = await rejection(ask('system', { DBUS_SYSTEM_BUS_ADDRESS: address }));
    assert.ok(error instanceof CutoverError, `${address}: ${error.message}`);
    assert.equal([error.code, error.exitCode], ['systemd_unavailable', 69], address);
    assert.match(error.message, `no system bus at ${address}`);
  }
});

test('S1: what closes the connection, speaks no D-Bus or refuses is no bus', async (t) => {
  const answers: [string, (socket: Socket) => void][] = [
    ['closes', (socket) => socket.destroy()],
    ['ends', (socket) => socket.end()],
    ['refuses', (socket) => socket.end('REJECTED EXTERNAL\r\n')],
  ];
  for (const [name, answer] of answers) {
    const env = await serveBus(t, answer);
    const error = await rejection(ask('system', env));
    assert.is(error.code, 'systemd_unavailable', name);
  }
});

test('S1: a bus that says nothing is given up after five seconds', async (t) => {
  const env = await serveBus(t, () => {});
  const began = performance.now();
  const error = await rejection(ask('system', env));
  assert.is(error.code, 'systemd_unavailable');
  assert.match(error.message, 'did not answer');
  assert.ok(performance.now() - began < 20_000);
});

test('S8: a bus that dies ends every call on it, and tells so by its signal', async (t) => {
  const { sandbox } = await systemdInside(t);
  const bus = await connectBus('system');
  t.cleanup(() => bus.close());
  await bus.call(listUnits);
  assert.is(bus.lost.aborted, false);
  // A manager that is stopped answers nobody, so the call is surely still open.
  await sandbox.run('systemctl', 'kill', '--signal=STOP', 'dbus.service');
  const calls = [bus.call(listUnits), bus.call(listUnits), bus.addMatch("type='signal'")].map(rejection);
  await killBus(sandbox);
  for (const error of await Promise.all(calls)) {
    assert.ok(error instanceof CutoverError);
    assert.equal([error.code, error.exitCode], ['bus_lost', 69]);
    assert.match(error.mend ?? '', 'cutover status');
  }
  assert.is(bus.lost.aborted, true);
  assert.is((await rejection(bus.call(listUnits))).code, 'bus_lost');
});

test('S8: a question asked at the very moment the bus dies finds it lost, and fails in no other way', async (t) => {
  const { sandbox } = await systemdInside(t);
  const bus = await connectBus('system');
  t.cleanup(() => bus.close());
  const interfaceName = 'org.freedesktop.DBus.Properties';
  const body = [manager.interface, 'Version'];
  const version = { ...manager, interface: interfaceName, member: 'Get', signature: 'ss', body };
  const askUntilItFails = async (): Promise<never> => {
    for (;;) await bus.call(version);
  };
  // Until the first answer it may not have been let in yet, and that is told in other words.
  await bus.call(version);
  const asking = Array.from({ length: 9 }, () => rejection(askUntilItFails()));
  await killBus(sandbox);
  const errors = await Promise.all(asking);
  for (const { code, message } of errors) assert.is(code, 'bus_lost', message);
});

test('S8: a bus that comes back is used again, by questions and by jobs', async (t) => {
  const { sandbox, systemd } = await systemdInside(t);
  await writeService(t, sandbox, 'a.service', sleeping);
  assert.is(await systemd.start('a.service', soon), 'done');
  const before = await systemd.facts('a.service');
  for (let times = 0; times < 3; times += 1) {
    await killBus(sandbox);
    assert.is((await systemd.facts('a.service')).invocationId, before.invocationId);
  }
  const bus = await connectBus('system');
  t.cleanup(() => bus.close());
  const isLost = once(bus.lost, 'abort', { signal: t.signal });
  await killBus(sandbox);
  // A restart is not asked for twice: by now the bus has to be gone, and not only told to.
  await isLost;
  await new Promise(setImmediate);
  assert.is(await systemd.restart('a.service', soon), 'done');
  const after = await systemd.facts('a.service');
  assert.ok(isUp(after));
  assert.is.not(after.invocationId, before.invocationId);
});

test('S8: a start whose bus dies in the middle still ends with its result, and starts once', async (t) => {
  const { sandbox, systemd } = await systemdInside(t);
  const script = `/bin/sh -c 'echo once >>/run/started; until [ -e /run/go ]; do sleep 0.02; done'`;
  await writeService(t, sandbox, 'slow.service', ['Type=oneshot', 'RemainAfterExit=yes', `ExecStart=${script}`]);
  const starting = systemd.start('slow.service', soon);
  await poll({ everyMs: 5, signal: t.signal }, () =>
    readFile(sandbox.hostPath('/run/started'), 'utf8').catch(() => undefined),
  );
  await killBus(sandbox);
  // The client has found the new bus once it can ask again.
  assert.is((await systemd.facts('slow.service')).activeState, 'activating');
  await writeFile(sandbox.hostPath('/run/go'), '');
  assert.is(await starting, 'done');
  assert.is(await readFile(sandbox.hostPath('/run/started'), 'utf8'), 'once\n');
});

test('S3: a watch goes on over a bus that comes back, with all that is by then', async (t) => {
  const { sandbox, systemd } = await systemdInside(t);
  await writeService(t, sandbox, 'a.service', sleeping);
  await systemd.start('a.service', soon);
  const told: Map<string, unknown>[] = [];
  const stop = await systemd.watch('a.service', (changed) => void told.push(changed));
  t.cleanup(stop);
  const { mainPid } = await systemd.facts('a.service');
  await sandbox.run('systemctl', 'stop', 'dbus.socket', 'dbus.service');
  await sandbox.run('kill', '-9', String(mainPid));
  await sandbox.run('systemctl', 'start', 'dbus.socket');
  await poll(
    { everyMs: 5, signal: t.signal },
    async () => told.some((changed) => changed.get('ActiveState') === 'failed') || undefined,
  );
  told.length = 0;
  await systemd.resetFailed('a.service');
  assert.is(await systemd.start('a.service', soon), 'done');
  await poll(
    { everyMs: 5, signal: t.signal },
    async () => told.some((changed) => changed.get('ActiveState') === 'active') || undefined,
  );
});

test('S3: who watches and stops for weeks does not use up what a bus remembers of one client', async (t) => {
  const { sandbox, systemd } = await systemdInside(t);
  await writeService(t, sandbox, 'a.service', sleeping);
  for (let times = 0; times < 600; times += 1) (await systemd.watch('a.service', () => {}))();
  const told: Map<string, unknown>[] = [];
  t.cleanup(await systemd.watch('a.service', (changed) => void told.push(changed)));
  await systemd.start('a.service', soon);
  await poll(
    { everyMs: 5, signal: t.signal },
    async () => told.some((changed) => changed.get('ActiveState') === 'active') || undefined,
  );
});
