import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as assert from 'uvu/assert';
import { directConfig } from '../../lib/config/direct.ts';
import type { HealthConfig } from '../../lib/config/model.ts';
import { startableWaitMeter } from '../../lib/deploy/waits.ts';

import { suite, type TestContext } from '../suite.ts';
import { until } from './site.ts';

const test = suite('deploy/waits');

test('P6: who waits longer than a probe does has waited since the first one that got no answer', async (t) => {
  const asked = { count: 0, isAnswered: false };
  const health = await healthOf(t, (response) => {
    asked.count += 1;
    if (asked.isAnswered) response.end('ok');
  });
  const timeoutMs = 200;
  const meter = startableWaitMeter({ ...health, timeoutMs });
  meter.start();
  await until('four probes were sent, so three got no answer', async () => asked.count >= 4);
  asked.isAnswered = true;
  const unanswered = asked.count;
  await until('it answers', async () => asked.count > unanswered + 1);
  const longest = (await meter.stop()) ?? 0;
  assert.ok(longest >= 3 * timeoutMs, `${longest} ms`);
});

test('P6: each answer ends a wait', async (t) => {
  let asked = 0;
  const health = await healthOf(t, (response) => {
    asked += 1;
    setTimeout(() => response.end('ok'), 30);
  });
  const meter = startableWaitMeter({ ...health, timeoutMs: 60_000 });
  const began = performance.now();
  meter.start();
  await until('ten were answered', async () => asked > 10);
  const longest = (await meter.stop()) ?? Number.POSITIVE_INFINITY;
  assert.ok(longest >= 29 && longest < performance.now() - began - 150, `${longest} ms`);
});

/** What to ask of a server that answers as it is told to. */
async function healthOf(t: TestContext, answer: (response: ServerResponse) => void): Promise<HealthConfig> {
  const server = createServer((_request, response) => answer(response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.cleanup(() => void (server.closeAllConnections(), server.close()));
  const { targets } = directConfig({ unit: 'shop.service', builds: '/srv/shop', ports: [], manager: 'system' });
  const [target] = Object.values(targets);
  assert.ok(target);
  return { ...target.health, urls: [`http://127.0.0.1:${(server.address() as AddressInfo).port}/`] };
}
