import { createServer, type Server } from 'node:net';
import { once } from 'node:events';
import * as assert from 'uvu/assert';
import { listeningWatch } from '../../lib/systemd/listening.ts';
import { suite, type TestContext } from '../suite.ts';

const test = suite('systemd/listening');

async function listen(t: TestContext, host: string, port = 0): Promise<{ server: Server; port: number }> {
  const server = createServer();
  server.listen(port, host);
  t.cleanup(() => server.close());
  await once(server, 'listening');
  return { server, port: (server.address() as { port: number }).port };
}

async function close(server: Server): Promise<void> {
  server.close();
  await once(server, 'close');
}

for (const host of ['127.0.0.1', '::', '::1']) {
  test(`S2: sees a port of ${host} close and open again`, async (t) => {
    const { server, port } = await listen(t, host);
    const isOpen = listeningWatch([port]);
    assert.equal([await isOpen(), await isOpen()], [true, true]);
    await close(server);
    assert.equal([await isOpen(), await isOpen()], [false, false]);
    await listen(t, host, port);
    assert.equal([await isOpen(), await isOpen()], [true, true]);
  });
}

test('S2: all of several ports must be open, on whatever address, while others come and go', async (t) => {
  const [one, two] = [await listen(t, '127.0.0.1'), await listen(t, '::')];
  const isOpen = listeningWatch([one.port, two.port]);
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
  const isOpen = listeningWatch([port]);
  assert.is(await isOpen(), false);
});
