import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { CutoverError } from '../../lib/base/errors.ts';
import { openController } from '../../lib/base/wait.ts';
import { type Bus, connectBus } from '../../lib/systemd/bus.ts';
import { openConnection } from '../../lib/systemd/connection.ts';
import { manager } from '../../lib/systemd/names.ts';
import { makeDirectory, rejection } from '../builds/directory.ts';
import { suite } from '../suite.ts';

const test = suite('systemd/connection');
const none = new CutoverError('systemd_unavailable', 'no bus');
const question = { ...manager, member: 'ListUnits' };

/** A bus that answers each call with its member, or as it is told. */
function makeBus(call: Bus['call'] = async ({ member }) => [member]): { bus: Bus; isClosed: () => boolean } {
  const lost = openController();
  const end = (): void => lost.abort(new CutoverError('bus_lost', 'lost'));
  const idle = { onSignal: () => () => {}, addMatch: async () => {}, removeMatch: () => {} };
  const bus: Bus = { kind: 'system', lost: lost.signal, call, ...idle, close: end };
  return { bus, isClosed: () => lost.signal.aborted };
}

test('S1: a bus that was not there at first is found by the question after the one that was told so', async () => {
  let asked = 0;
  const connection = openConnection('system', async () => {
    asked += 1;
    if (asked === 1) throw none;
    return makeBus().bus;
  });
  const first = [connection.call(question), connection.call(question)].map(rejection);
  assert.equal(await Promise.all(first), [none, none]);
  assert.is(asked, 1);
  const answers = await Promise.all([connection.call(question), connection.call(question)]);
  assert.equal(answers, [['ListUnits'], ['ListUnits']]);
  assert.is(asked, 2);
});

test('S1: a bus on which nobody can subscribe is closed', async () => {
  const { bus, isClosed } = makeBus(async () => Promise.reject(none));
  const connection = openConnection('system', async () => bus);
  assert.is(await rejection(connection.bus()), none);
  assert.is(isClosed(), true);
});

test('S8: what is closed while it connects or reconnects leaves no connection behind', async () => {
  const made = [makeBus(), makeBus()] as const;
  const [first, second] = made;
  const left = made.map(({ bus }) => bus);
  const connection = openConnection('system', async () => left.shift() as Bus);
  await connection.bus();
  first.bus.close();
  const asking = connection.bus();
  connection.close();
  await asking;
  assert.is(second.isClosed(), true);
  const early = makeBus();
  const closed = openConnection('system', async () => early.bus);
  closed.close();
  await closed.bus();
  assert.is(early.isClosed(), true);
});

test('S1: a bus that says nothing is left when it is given up', async (t) => {
  const path = join(await makeDirectory(t), 'bus');
  const server = createServer().listen(path);
  t.cleanup(() => void server.close());
  await once(server, 'listening');
  const accepted = once(server, 'connection');
  const connection = openConnection('system', (kind) =>
    connectBus(kind, { DBUS_SYSTEM_BUS_ADDRESS: `unix:path=${path}` }),
  );
  const error = rejection(connection.bus());
  const [socket] = await accepted;
  const ended = once(socket.resume(), 'close');
  assert.is((await error).code, 'systemd_unavailable');
  await ended;
});
