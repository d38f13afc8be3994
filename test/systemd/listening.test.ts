import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { listeningWatch } from '../../lib/systemd/listening.ts';
import { freePort } from '../services/free-port.ts';
import { suite } from '../suite.ts';
import { close, listen } from './listener.ts';

const test = suite('systemd/listening');

/** Both ways to look: by the descriptor, and where none may be seen. */
function watchOf(ports: number[]): () => Promise<boolean> {
  const [seen, hidden] = [listeningWatch(ports, async () => [process.pid]), listeningWatch(ports)];
  return async () => {
    const answers = await Promise.all([seen.look(), hidden.look()]);
    assert.is(answers[0], answers[1]);
    return answers[0];
  };
}

for (const host of ['127.0.0.1', '::', '::1']) {
  test(`S2: sees a port of ${host} close and open again`, async (t) => {
    const { server, port } = await listen(t, host, await freePort());
    const isOpen = watchOf([port]);
    assert.equal([await isOpen(), await isOpen()], [true, true]);
    await close(server);
    assert.equal([await isOpen(), await isOpen()], [false, false]);
    await listen(t, host, port);
    assert.equal([await isOpen(), await isOpen()], [true, true]);
  });
}

test('S2: all of several ports must be open, on whatever address, while others come and go', async (t) => {
  const one = await listen(t, '127.0.0.1', await freePort());
  const two = await listen(t, '::', await freePort());
  const isOpen = watchOf([one.port, two.port]);
  assert.is(await isOpen(), true);
  const others = await Promise.all(['127.0.0.1', '::', '127.0.0.1', '::1'].map((host) => listen(t, host)));
  assert.is(await isOpen(), true);
  for (const { server } of others) {
    await close(server);
    assert.is(await isOpen(), true);
  }
  await close(two.server);
  assert.is(await isOpen(), false);
  // The same port, now in the other table.
  await listen(t, '127.0.0.1', two.port);
  assert.is(await isOpen(), true);
  await close(one.server);
  assert.is(await isOpen(), false);
});

test('S2: a connection to a port is no listener', async (t) => {
  const { server, port } = await listen(t, '127.0.0.1');
  const { connect } = await import('node:net');
  const client = connect(port, '127.0.0.1');
  t.cleanup(() => client.destroy());
  await once(client, 'connect');
  server.close();
  const isOpen = watchOf([port]);
  assert.is(await isOpen(), false);
});

test('S2: tells where the ports were listened on, also once they are closed', async (t) => {
  const [one, two] = [await listen(t, '127.0.0.1'), await listen(t, '::1')];
  const watch = listeningWatch([one.port, two.port], async () => [process.pid]);
  assert.equal(watch.addresses(one.port), []);
  await watch.look();
  await close(one.server);
  assert.is(await watch.look(), false);
  assert.equal([watch.addresses(one.port), watch.addresses(two.port)], [['127.0.0.1'], ['::1']]);
});

test('S2: while the descriptor is there the tables are not read, unless that is asked for', async (t) => {
  const { port } = await listen(t, '127.0.0.1');
  let asked = 0;
  const watch = listeningWatch([port], async () => {
    asked += 1;
    return [process.pid];
  });
  await setImmediate();
  for (const isWhole of [false, false, false, true]) assert.is(await watch.look({ isWhole }), true);
  assert.is(asked, 3, 'beforehand, and with each look at the tables');
});

test('S2: a manager that answers nobody holds up no look', async (t) => {
  const { server, port } = await listen(t, '127.0.0.1');
  const watch = listeningWatch([port], () => new Promise(() => {}));
  assert.is(await watch.look(), true);
  await close(server);
  assert.is(await watch.look(), false);
});
