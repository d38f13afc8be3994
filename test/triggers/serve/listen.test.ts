import * as assert from 'uvu/assert';
import { Hono, type HttpBindings } from '../../../lib/triggers/serve/framework.ts';
import { type Listening, listen } from '../../../lib/triggers/serve/listen.ts';
import { rejection } from '../../builds/directory.ts';
import { until } from '../../deploy/site.ts';
import { suite, type TestContext } from '../../suite.ts';
import { sendTo } from './at-hand.ts';

const test = suite('triggers/serve/listen');
const get = { method: 'GET', path: '/' };

test('W1: what is being answered when it ends is answered, and nothing new is taken in', async (t) => {
  const { listening, port, begun, letGo } = await slowReceiver(t);
  const answer = sendTo(port, get);
  await until('it is being answered', async () => begun() === 1);
  const closing = listening.close(30_000);
  assert.is((await rejection(sendTo(port, get))).code, 'ECONNREFUSED');
  letGo();
  assert.equal([(await answer).status, (await answer).text], [200, 'at last']);
  await closing;
  assert.is(begun(), 1);
});

test('W1: an answer that does not end is cut off at the deadline', async (t) => {
  const { listening, port, begun } = await slowReceiver(t);
  const answer = rejection(sendTo(port, get));
  await until('it is being answered', async () => begun() === 1);
  await listening.close(100);
  assert.is((await answer).code, 'ECONNRESET');
});

test('W1: an address that cannot be listened on is a mistake in the configuration', async (t) => {
  const { port } = await slowReceiver(t);
  const cases: [address: string, message: RegExp][] = [
    [`127.0.0.1:${port}`, /\[serve\]\.listen: another process listens there$/],
    ['192.0.2.1:4040', /this machine has no such address$/],
  ];
  for (const [address, message] of cases) {
    const error = await rejection(listen(new Hono<{ Bindings: HttpBindings }>(), { address, env: {} }));
    assert.is(error.code, 'config');
    assert.match(error.message, message);
  }
});

async function slowReceiver(t: TestContext): Promise<{
  listening: Listening;
  port: number;
  begun: () => number;
  letGo: () => void;
}> {
  let begun = 0;
  let open: (() => void) | null = null;
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const app = new Hono<{ Bindings: HttpBindings }>();
  app.get('/', async (c) => {
    begun += 1;
    await gate;
    return c.text('at last');
  });
  const listening = await listen(app, { address: '127.0.0.1:0', env: {} });
  t.cleanup(() => listening.close(10));
  return { listening, port: listening.port ?? 0, begun: () => begun, letGo: () => open?.() };
}
