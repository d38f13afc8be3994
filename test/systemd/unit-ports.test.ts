import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import * as assert from 'uvu/assert';
import { listenersOf } from '../../lib/systemd/unit-ports.ts';
import { suite, type TestContext } from '../suite.ts';
import { startSleep } from './users.ts';

const test = suite('systemd/unit-ports');

test('every port that the processes listen on, and none of others', async (t) => {
  const ports = [await listen(t, '127.0.0.1'), await listen(t, '0.0.0.0'), await listen(t, '::1')];
  const own = await listenersOf([process.pid]);
  for (const port of ports)
    assert.ok(
      own.some((listener) => listener.port === port),
      String(port),
    );
  const found = own.filter(({ port }) => ports.includes(port)).map(({ address }) => address);
  assert.equal(found.toSorted(), ['0.0.0.0', '127.0.0.1', '::1']);
  const other = await startSleep(t, { cwd: '/' });
  assert.equal(await listenersOf([other.pid as number]), []);
  assert.equal(await listenersOf([]), []);
});

test('a connection is no listener', async (t) => {
  const port = await listen(t, '127.0.0.1');
  const { connect } = await import('node:net');
  const client = connect(port, '127.0.0.1');
  t.cleanup(() => client.destroy());
  await once(client, 'connect');
  const { port: local } = client.address() as AddressInfo;
  const own = await listenersOf([process.pid]);
  assert.ok(!own.some((listener) => listener.port === local));
});

async function listen(t: TestContext, host: string): Promise<number> {
  const server = createServer().listen(0, host);
  t.cleanup(() => server.close());
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}
