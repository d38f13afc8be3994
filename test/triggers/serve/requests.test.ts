import { connect } from 'node:net';
import * as assert from 'uvu/assert';
import { suite } from '../../suite.ts';
import { until } from '../../deploy/site.ts';
import { github, gitlab, plain, push, receiverAtHand, type Sent, sendTo } from './at-hand.ts';

const test = suite('triggers/serve/requests', { timeoutMs: 120_000 });
const mebi = 1024 * 1024;
const ofLength = (bytes: number): string => `{"x":"${'y'.repeat(bytes - 8)}"}`;

test('W1: what asks for no deploy of this target is answered, with the reason', async (t) => {
  const { send, launched } = await receiverAtHand(t);
  const gone = '0'.repeat(40);
  const ignored: [Sent, RegExp][] = [
    [github({ zen: 'x' }, { event: 'ping' }), /ping/],
    [github({}, { event: 'issues' }), /issues/],
    [github({ ...push, ref: 'refs/tags/v1' }), /refs\/tags\/v1 is no branch/],
    [github({ ...push, ref: 'refs/heads/next' }), /next, and production is bound to main/],
    [github({ ...push, ref: 'refs/heads/feature/main' }), /feature\/main/],
    [github(push, { target: 'staging' }), /staging is bound to next/],
    [github({ ...push, deleted: true }), /deleted/],
    [github({ ...push, after: gone }), /deleted/],
    [gitlab({ ...push, after: gone }), /deleted/],
    [gitlab(push, { event: 'Tag Push Hook' }), /Tag Push Hook/],
    [plain('{"branch":"next"}'), /next, and production is bound to main/],
  ];
  for (const [sent, reason] of ignored) {
    const { status, json } = await send(sent);
    assert.equal([status, json.status], [202, 'ignored'], JSON.stringify([sent, json]));
    assert.match(json.reason, reason);
  }
  assert.equal(launched, []);
});

test('W1: what cannot be read is refused: unknown targets and paths, other methods, bad JSON', async (t) => {
  const { send, launched } = await receiverAtHand(t);
  const refused: [Sent, number][] = [
    [{ ...plain('{}'), path: '/hooks/plain/nowhere' }, 404],
    [{ ...plain('{}'), path: '/hooks/plain/__proto__' }, 404],
    [{ ...plain('{}'), path: '/hooks/plain/' }, 404],
    [{ ...plain('{}'), path: '/hooks/bitbucket/production' }, 404],
    [{ ...plain('{}'), path: '/hooks/plain/%ff' }, 404],
    [plain('{'), 400],
    [plain('{"branch":"main"'), 400],
    [plain('[1,2'), 400],
    [plain('[]'), 400],
    [plain('null'), 400],
    [plain('"main"'), 400],
    [plain('5'), 400],
    [plain('{"branch":5}'), 400],
    [plain('{"revision":{}}'), 400],
    [github({ after: '5' }), 400],
    [github({ ref: 5 }), 400],
  ];
  for (const [sent, status] of refused) {
    const answer = await send(sent);
    assert.is(answer.status, status, JSON.stringify([sent, answer.text]));
    assert.type(answer.json.error.code, 'string');
    assert.type(answer.json.error.message, 'string');
  }
  for (const method of ['GET', 'PUT', 'DELETE', 'PATCH']) {
    const { status, headers } = await send({ method, headers: {} });
    assert.equal([status, headers.allow], [405, 'POST'], method);
  }
  // An empty body is an empty object, and asks for a deploy.
  assert.equal(launched, []);
  assert.is((await send(plain(''))).status, 202);
  await until('it is carried out', async () => launched.length === 1);
});

test('W1: a body of 1 MiB is read, a longer one refused, whether or not it says how long it is', async (t) => {
  const { send, port } = await receiverAtHand(t);
  assert.is((await send(plain(ofLength(mebi)))).status, 202);
  const long = ofLength(mebi + 1);
  assert.is((await send(plain(long))).status, 413);
  assert.is((await sendTo(port, plain(long, { 'Transfer-Encoding': 'chunked' }))).status, 413);
  assert.is((await send(plain('{}'))).status, 202, 'and it goes on');
});

test('W1: clients that are slow are cut off, and keep nobody else from being answered', async (t) => {
  const { port, send } = await receiverAtHand(t);
  let cut = 0;
  const slow = (text: string): void => {
    const socket = connect(port, '127.0.0.1', () => socket.write(text));
    const drip = setInterval(() => socket.write('x'), 1_000);
    socket.on('error', () => {});
    socket.on('close', () => {
      clearInterval(drip);
      cut += 1;
    });
    t.cleanup(() => socket.destroy());
  };
  for (let n = 0; n < 100; n += 1) slow('POST /hooks/plain/production HTTP/1.1\r\nHost: x\r\nX-Slow: ');
  for (let n = 0; n < 100; n += 1)
    slow('POST /hooks/plain/production HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n');
  assert.is((await send(plain('{}'))).status, 202);
  assert.ok(cut < 200, 'it is answered while slow ones are there');
  await until('all are cut off', async () => cut === 200, 60_000);
  assert.is((await send(plain('{}', { 'X-Delivery': 'later' }))).status, 202);
});

test('W1: too many from one address have to wait, and others do not', async (t) => {
  const { port } = await receiverAtHand(t);
  const from = (address: string): Promise<{ status: number; headers: { 'retry-after'?: string } }> =>
    sendTo(port, { body: '{}', headers: { 'X-Forwarded-For': `9.9.9.9, ${address}` } });
  const all = await Promise.all(Array.from({ length: 300 }, () => from('192.0.2.1')));
  const limited = all.filter(({ status }) => status === 429);
  assert.ok(limited.length > 0, 'some are turned away');
  assert.ok(all.every(({ status }) => status === 401 || status === 429));
  for (const { headers } of limited) assert.ok(Number(headers['retry-after']) >= 1);
  assert.is((await from('192.0.2.2')).status, 401);
});

test('W1: an error of ours is a 500, and the next one is answered; the log names no query', async (t) => {
  const { send, lines } = await receiverAtHand(t);
  const { status, json } = await send({ method: 'GET', path: '/broken?token=abcdef' });
  assert.equal([status, json.error.code], [500, 'defect']);
  assert.not.match(json.error.message, 'went wrong here');
  assert.is((await send(plain('{}'))).status, 202);
  assert.match(lines.join('\n'), '<3>an error while GET was answered: went wrong here');
  assert.match(lines.join('\n'), /<4>GET \/broken 500 \d+ ms 127\.0\.0\.1/);
  assert.not.match(lines.join('\n'), 'abcdef');
});

test('W1: what is no HTTP at all ends that connection alone', async (t) => {
  const { port, send } = await receiverAtHand(t);
  for (const text of ['\u0000\u0001\u0002', 'GET\r\n\r\n', `GET / HTTP/1.1\r\nX: ${'y'.repeat(100_000)}\r\n\r\n`]) {
    await new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1', () => socket.write(text));
      socket.on('error', () => {});
      socket.on('close', resolve);
      socket.resume();
      t.cleanup(() => socket.destroy());
    });
  }
  assert.is((await send(plain('{}'))).status, 202);
});
