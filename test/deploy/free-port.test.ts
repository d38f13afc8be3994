import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { restartPlan } from '../../lib/deploy/restart.ts';
import type { PlanTools } from '../../lib/deploy/strategy.ts';
import type { Systemd } from '../../lib/systemd/systemd.ts';
import { inputsOf } from '../run/samples.ts';
import { suite } from '../suite.ts';

const test = suite('deploy/free-port');

test('S5: when the start cannot be prepared, nothing of the look at the port goes on', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  t.cleanup(() => void server.close());
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  let isEnded = false;
  const late: string[] = [];
  const systemd = {
    watch: () => Promise.reject(new Error('the bus is away')),
    property: () => Promise.resolve(false),
    resetFailed: () => Promise.resolve(),
    processes: () => Promise.resolve([process.pid]),
    kill() {
      if (isEnded) late.push('kill');
      server.close();
      return Promise.resolve();
    },
  } as unknown as Systemd;
  const inputs = inputsOf('20260203-151120-4f2a');
  const plan = restartPlan({ ...inputs, target: { ...inputs.target, ports: [port] } }, { systemd } as PlanTools);
  const step = plan.find(({ name }) => name === 'free-port');
  const message = await step?.apply(new AbortController().signal).catch((error: Error) => error.message);
  isEnded = true;
  assert.is(message, 'the bus is away');
  await sleep(1_500);
  assert.equal(late, [], 'a process of the unit is ended after the step');
});
