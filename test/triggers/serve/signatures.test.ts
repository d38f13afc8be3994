import * as assert from 'uvu/assert';
import { suite } from '../../suite.ts';
import { github, gitlab, hmac, plain, push, receiverAtHand, secret, type Sent } from './at-hand.ts';

const test = suite('triggers/serve/signatures');
const body = '{"branch":"main"}';

test('W1: a push that is signed as each host signs is queued', async (t) => {
  const { send } = await receiverAtHand(t);
  const sent = [
    plain(body),
    plain(body, { 'X-Signature-256': `sha256=${hmac(body).toUpperCase()}`, 'X-Delivery': 'upper' }),
    { headers: { 'X-Signature': hmac(body), 'X-Delivery': 'other name' }, body },
    plain('', { 'X-Delivery': 'empty' }),
    github(push),
    gitlab(push),
  ];
  for (const one of sent) {
    const { status, json, headers } = await send(one);
    assert.is(status, 202, JSON.stringify([one, json]));
    assert.equal(json, { status: 'queued', id: json.id, run: `/runs/${json.id}` });
    assert.is(headers.location, `/runs/${json.id}`);
  }
});

test('W1: whoever cannot sign is refused, and learns nothing', async (t) => {
  const { send, launched, lines } = await receiverAtHand(t);
  const other = 'another-secret-that-is-long';
  const forged: Sent[] = [
    { body },
    { body, headers: { 'X-Signature-256': '' } },
    { body, headers: { 'X-Signature-256': 'sha256=' } },
    { body, headers: { 'X-Signature-256': `sha256=${'0'.repeat(64)}` } },
    { body, headers: { 'X-Signature-256': `sha256=${hmac(body).slice(0, 63)}` } },
    { body, headers: { 'X-Signature-256': `sha256=${hmac(body)}00` } },
    { body, headers: { 'X-Signature-256': `sha1=${hmac(body)}` } },
    { body, headers: { 'X-Signature-256': `sha256=${hmac(body, other)}` } },
    { body, headers: { 'X-Signature-256': `sha256=${hmac(`${body} `)}` } },
    { body, headers: { 'X-Gitlab-Token': secret } },
    { ...github(push), body: JSON.stringify({ ...push, after: '5' }) },
    { ...github(push), path: '/hooks/plain/production' },
    gitlab(push, { token: other }),
    gitlab(push, { token: '' }),
    gitlab(push, { token: secret.slice(0, -1) }),
    gitlab(push, { token: `${secret}x` }),
  ];
  const answers = new Set<string>();
  for (const one of forged) {
    for (const path of [one.path ?? '/hooks/plain/production', '/hooks/plain/nowhere']) {
      const { status, text } = await send({ ...one, path });
      assert.is(status, 401, JSON.stringify([one, text]));
      answers.add(text);
    }
  }
  assert.is(answers.size, 1, 'all are told the same');
  assert.equal(launched, []);
  assert.not.match(lines.join('\n'), /secret|sha256|main/);
});

test('W1: a signed time has to be near the clock, and is signed with the body', async (t) => {
  const { send, clock } = await receiverAtHand(t);
  const at = (seconds: number): string => String(Math.floor(clock.nowMs / 1000) + seconds);
  const signed = (time: string, more: Record<string, string> = {}): Sent => {
    return { body, headers: { 'X-Timestamp': time, 'X-Signature-256': `sha256=${hmac(`${time}.${body}`)}`, ...more } };
  };
  for (const seconds of [0, -290, 290]) assert.is((await send(signed(at(seconds)))).status, 202, String(seconds));
  for (const time of [at(-310), at(310), '0', '', '-5', '1e9', '99999999999999999999', 'now'])
    assert.is((await send(signed(time))).status, 401, time);
  const late = await send(signed(at(-310)));
  assert.match(late.json.error.message, 'X-Timestamp is over 5 min away');
  const moved = {
    ...signed(at(0)),
    headers: { 'X-Timestamp': at(1), 'X-Signature-256': `sha256=${hmac(`${at(0)}.${body}`)}` },
  };
  assert.is((await send(moved)).status, 401, 'the time itself is signed');
  // The clock jumps: what was signed before is out of date, and what is signed after is not.
  const before = signed(at(5));
  clock.nowMs += 3_600_000;
  assert.is((await send(before)).status, 401);
  assert.is((await send(signed(at(0)))).status, 202);
  clock.nowMs -= 2 * 3_600_000;
  assert.is((await send(signed(at(0)))).status, 202);
});

test('W1: a delivery that comes again is answered as the first time, and deploys nothing', async (t) => {
  const { send, launched } = await receiverAtHand(t);
  const time = String(Math.floor(Date.now() / 1000));
  const timed = (delivery: string): Sent => {
    const signature = `sha256=${hmac(`${time}.${body}`)}`;
    return { body, headers: { 'X-Timestamp': time, 'X-Signature-256': signature, 'X-Delivery': delivery } };
  };
  const again: [Sent, Sent][] = [
    [plain(body), plain(body)],
    [plain(body, { 'X-Delivery': '1' }), plain('{"revision":"5"}', { 'X-Delivery': '1' })],
    [github(push, { delivery: 'a' }), github({ ...push, after: 'b' }, { delivery: 'a' })],
    // Nobody signs a delivery's id: a body that was signed once counts once.
    [github({ ...push, n: 1 }, { delivery: 'b' }), github({ ...push, n: 1 }, { delivery: 'c' })],
    [timed('x'), timed('y')],
    [gitlab(push, { uuid: 'u-1' }), gitlab(push, { uuid: 'u-1' })],
  ];
  for (const [first, second] of again) {
    const { json } = await send(first);
    const replay = await send(second);
    assert.equal(
      [replay.status, replay.json],
      [202, { ...json, status: replay.json.status, replayed: true }],
      JSON.stringify(first),
    );
  }
  // Another delivery of the same words is another one.
  assert.is((await send(plain(body, { 'X-Delivery': '2' }))).json.replayed, undefined);
  assert.is((await send(gitlab(push, { uuid: 'u-2' }))).json.replayed, undefined);
  assert.is(new Set(launched).size, launched.length);
});

test('W1: of the same delivery twenty times at once one is the first', async (t) => {
  const { send, queue } = await receiverAtHand(t);
  const answers = await Promise.all(Array.from({ length: 20 }, () => send(github(push))));
  const firsts = answers.filter(({ json }) => json.replayed === undefined);
  assert.is(firsts.length, 1);
  assert.is(new Set(answers.map(({ json }) => json.id)).size, 1);
  assert.ok(queue.find(firsts[0]?.json.id));
});
