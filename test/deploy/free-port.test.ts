import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import * as assert from 'uvu/assert';
import { freePorts } from '../../lib/deploy/free-port.ts';
import { StepFailure } from '../../lib/run/failure.ts';
import type { Systemd } from '../../lib/systemd/systemd.ts';
import { rejection } from '../builds/directory.ts';
import { suite } from '../suite.ts';

const test = suite('deploy/free-port');

test('S2: what has the port of a unit that is up again is no leftover, and is not killed', async (t) => {
  const server = createServer().listen();
  t.cleanup(() => server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const killed: string[] = [];
  const systemd = {
    processes: async () => [process.pid],
    property: async () => 'active',
    kill: async (unit: string) => {
      killed.push(unit);
      server.close();
    },
  } as unknown as Systemd;
  const unit = 'shop.service';
  const error = await rejection(freePorts(systemd, { unit, ports: [port], stopTimeoutMs: 60_000 }, t.signal));
  assert.ok(error instanceof StepFailure);
  assert.equal(
    [error.reason, error.message, killed],
    ['systemd', 'shop.service was started by another hand while it had to be down', []],
  );
});
