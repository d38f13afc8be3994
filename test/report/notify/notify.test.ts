import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { notify, notifyEach } from '../../../lib/report/notify/notify.ts';
import { interruption } from '../../../lib/run/engine.ts';
import { makeDirectory } from '../../builds/directory.ts';
import { gateFailure } from '../../run/samples.ts';
import { suite } from '../../suite.ts';
import { listen } from '../../systemd/listener.ts';
import { json, type Play, playReceiver, reset, silence, word } from './receiver.ts';
import { configOf, hasty, noticeWith, quick, runOf } from './samples.ts';

const test = suite('report/notify');
const token = '123456:AAF-planted_token';
const path = '/services/T00/B00/planted-secret';
const notice = noticeWith();
const calm = new AbortController().signal;
const echo: Play = (response, request) =>
  json(400, { description: `bad ${request.url} ${String(request.headers['x-key'])}` })(response, request);
const accepted: Play = json(200, { ok: true, result: { message_id: 1 } });

function tell(config: ReturnType<typeof configOf>, env: NodeJS.ProcessEnv = {}, bounds = quick): Promise<string[]> {
  return notify([notice], [config], { signal: calm, env, bounds });
}

function telegramAt(url: string): ReturnType<typeof configOf> {
  return configOf('telegram', { token, chat: '1', api: url });
}

test('P4: each of the four is told once, with what its API accepts', async (t) => {
  const api = await playReceiver(t, accepted);
  const hooks = await playReceiver(t, word(200, 'ok'));
  const discord = await playReceiver(t, (response) => void response.writeHead(204).end());
  const any = await playReceiver(t, word(202, ''));
  const configs = [
    telegramAt(`${api.url}/`),
    configOf('slack', { url: `${hooks.url}${path}` }),
    configOf('discord', { url: `${discord.url}/api/webhooks/1/planted?wait=true` }),
    configOf('webhook', { url: any.url.replace('//', '//user:p%40ss@'), headers: { 'x-own': 'planted' } }),
  ];
  assert.equal(await notify([notice], configs, { signal: calm, env: {}, bounds: quick }), []);
  assert.equal(
    [api, hooks, discord, any].map(({ received }) => received.length),
    [1, 1, 1, 1],
  );
  assert.is(api.received[0]?.path, `/bot${token}/sendMessage`);
  assert.is(discord.received[0]?.path, '/api/webhooks/1/planted?wait=true');
  assert.equal(JSON.parse(any.received[0]?.body ?? ''), runOf());
  assert.is(any.received[0]?.headers.authorization, `Basic ${Buffer.from('user:p@ss').toString('base64')}`);
  assert.is(any.received[0]?.headers['x-own'], 'planted');
});

test('P4: a rate limit is waited for as each API says it', async (t) => {
  const limits: [string, Play][] = [
    [
      'Telegram',
      json(429, {
        ok: false,
        error_code: 429,
        description: 'Too Many Requests: retry after 1',
        parameters: { retry_after: 1 },
      }),
    ],
    [
      'Discord',
      json(429, { message: 'You are being rate limited.', retry_after: 0.9, global: false }, { 'retry-after': '1' }),
    ],
    ['Slack', word(429, 'rate_limited', { 'retry-after': '1' })],
    ['a date', (...asked) => word(429, '', { 'retry-after': new Date(Date.now() + 4_000).toUTCString() })(...asked)],
  ];
  await Promise.all(
    limits.map(async ([name, limit]) => {
      const { url, received } = await playReceiver(t, limit, word(200, 'ok'));
      assert.equal(await tell(configOf('slack', { url })), [], name);
      const waited = (received[1]?.at ?? 0) - (received[0]?.at ?? 0);
      assert.is(received.length, 2, name);
      assert.ok(waited >= (name === 'a date' ? 2_900 : 895), `${name}: asked again after ${waited} ms`);
    }),
  );
});

test('P4: a rate limit longer than anybody waits ends it at once', async (t) => {
  const { url, received } = await playReceiver(
    t,
    json(429, { parameters: { retry_after: 60 }, description: 'Too Many Requests' }),
  );
  const began = performance.now();
  assert.equal(await tell(telegramAt(url)), [
    'telegram was not told: answered 429: Too Many Requests (to be asked again in 60 s)',
  ]);
  assert.ok(performance.now() - began < 20_000);
  assert.is(received.length, 1);
});

test('P4: what is wrong with the request is not tried again, and told in the words of the API', async (t) => {
  const cases: [ReturnType<typeof configOf>['channel'], Play, string][] = [
    ['telegram', json(401, { ok: false, error_code: 401, description: 'Unauthorized' }), 'answered 401: Unauthorized'],
    [
      'telegram',
      json(400, { ok: false, error_code: 400, description: 'Bad Request: chat not found' }),
      'answered 400: Bad Request: chat not found',
    ],
    ['slack', word(404, 'no_service'), 'answered 404: no_service'],
    ['slack', word(410, 'channel_is_archived'), 'answered 410: channel_is_archived'],
    ['discord', json(404, { message: 'Unknown Webhook', code: 10015 }), 'answered 404: Unknown Webhook'],
    [
      'webhook',
      (response) => void response.writeHead(403, { 'content-type': 'text/html' }).end('<h1>no</h1>'),
      'answered 403',
    ],
  ];
  for (const [channel, play, said] of cases) {
    const { url, received } = await playReceiver(t, play);
    const config = channel === 'telegram' ? telegramAt(url) : configOf(channel, { url: `${url}${path}` });
    assert.equal(await tell(config), [`${channel} was not told: ${said}`]);
    assert.is(received.length, 1, said);
  }
});

test('P4: a server in trouble, one that resets and one that never answers are tried three times', async (t) => {
  const cases: [Play, string][] = [
    [word(503, 'upstream'), 'answered 503: upstream'],
    [reset, 'the connection was closed before an answer'],
  ];
  for (const [play, said] of cases) {
    const { url, received } = await playReceiver(t, play);
    assert.equal(await tell(configOf('slack', { url: `${url}${path}` })), [`slack was not told: ${said}`]);
    assert.is(received.length, 3, said);
  }
  // A try that has run out of its time may end before its request is read.
  const mute = await listen(t, '127.0.0.1');
  let tries = 0;
  mute.server.on('connection', () => (tries += 1));
  const config = configOf('slack', { url: `http://127.0.0.1:${mute.port}${path}` });
  assert.equal(await tell(config, {}, hasty), ['slack was not told: no answer came within 1 s']);
  assert.is(tries, 3);
  const recovered = await playReceiver(t, word(500, 'rollup_error'), reset, word(200, 'ok'));
  assert.equal(await tell(configOf('slack', { url: recovered.url })), []);
  assert.is(recovered.received.length, 3);
  const closed = await playReceiver(t, silence);
  assert.match(
    (await tell(configOf('slack', { url: 'http://127.0.0.1:1/planted-secret' })))[0] ?? '',
    'connection refused',
  );
  assert.is(closed.received.length, 0);
});

test('W4: a redirect is not followed: it would carry the secret elsewhere', async (t) => {
  const elsewhere = await playReceiver(t, word(200, 'ok'));
  for (const status of [301, 302, 307, 308]) {
    const { url } = await playReceiver(
      t,
      (response) => void response.writeHead(status, { location: elsewhere.url }).end(),
    );
    const [problem] = await tell(configOf('slack', { url: `${url}${path}` }));
    assert.is(problem, `slack was not told: answered ${status}, which leads elsewhere and is not followed`);
  }
  assert.is(elsewhere.received.length, 0);
});

test('W4: no problem tells the secret, whatever the other side repeats', async (t) => {
  const { url } = await playReceiver(t, echo);
  const configs = [
    telegramAt(url),
    configOf('slack', { url: `${url}${path}?k=planted-query` }),
    configOf('webhook', { url: `${url}/hook`, headers: { 'x-key': 'planted-header' } }),
    configOf('webhook', { url: 'not an address planted' }),
    configOf('webhook', { url: `${url}/hook`, headers: { 'x-key': 'planted\u0001header' } }),
    configOf('telegram', { token: 'planted/../x', chat: '1', api: url }),
  ];
  const problems = await notify([notice], configs, { signal: calm, env: {}, bounds: quick });
  assert.is(problems.length, configs.length);
  for (const problem of problems) assert.not.match(problem, /planted|AAF/);
});

test('P4: the environment of proxies is not asked', async (t) => {
  const { url, received } = await playReceiver(t, word(200, 'ok'));
  for (const name of ['http_proxy', 'HTTP_PROXY', 'all_proxy', 'NODE_USE_ENV_PROXY']) {
    const before = process.env[name];
    t.cleanup(() => (before === undefined ? delete process.env[name] : (process.env[name] = before)));
    process.env[name] = name.startsWith('NODE') ? '1' : 'http://127.0.0.1:1';
  }
  assert.equal(await tell(configOf('slack', { url })), []);
  assert.is(received.length, 1);
});

test('P4: the whole is bounded, and Ctrl-C ends the wait', async (t) => {
  const { url } = await playReceiver(t, silence);
  const patient = { timeoutMs: 60_000, pausesMs: [20], wholeMs: 400 };
  const began = performance.now();
  const config = configOf('slack', { url: `${url}${path}` });
  const [late] = await tell(config, {}, patient);
  assert.match(late ?? '', /^slack was not told: (it was not told|no answer came) within 0\.\d+ s$/);
  assert.ok(performance.now() - began < 20_000);
  const controller = new AbortController();
  const telling = notify([notice], [config], {
    signal: controller.signal,
    env: {},
    bounds: { ...patient, wholeMs: 60_000 },
  });
  setTimeout(() => controller.abort(interruption('SIGINT')), 100);
  assert.equal(await telling, ['slack was not told: interrupted by SIGINT']);
});

test('P4: all are told at once: a silent one holds up nobody else', async (t) => {
  const [quiet, good] = [await playReceiver(t, silence), await playReceiver(t, word(200, 'ok'))];
  const configs = [configOf('slack', { url: `${quiet.url}${path}` }), configOf('discord', { url: good.url })];
  const problems = await notify([notice], configs, { signal: calm, env: {}, bounds: hasty });
  assert.is(problems.length, 1);
  const [first, second] = [good.received[0]?.at ?? Infinity, quiet.received[1]?.at ?? 0];
  assert.ok(first < second, 'told before the silent one was asked again');
});

test('P4: each channel hears of what it asked for, in the order in which it happened', async (t) => {
  const { url, received } = await playReceiver(t, word(200, 'ok'));
  const [back, good] = [noticeWith({ outcome: 'rolled_back', failure: gateFailure }), notice];
  const ask = (on: string[]) =>
    notify([back, good], [configOf('webhook', { url }, on)], { signal: calm, env: {}, bounds: quick });
  assert.equal(await ask(['failed', 'alert']), []);
  assert.is(received.length, 0);
  assert.equal(await ask(['rolled_back', 'failed']), []);
  assert.equal(await ask(['rolled_back', 'deployed']), []);
  assert.equal(
    received.map(({ headers }) => headers['x-cutover-event']),
    ['rolled_back', 'rolled_back', 'deployed'],
  );
});

test('P4: who tells again learns what reached nobody: what one channel took, and what none wants, did', async (t) => {
  const [good, bad] = [await playReceiver(t, word(200, 'ok')), await playReceiver(t, word(404, 'no'))];
  const once = await playReceiver(t, word(200, 'ok'), word(404, 'no'));
  const [one, other] = [notice, noticeWith({ outcome: 'rolled_back', failure: gateFailure })];
  const untoldBy = async (...configs: ReturnType<typeof configOf>[]): Promise<string[]> => {
    const { untold } = await notifyEach([one, other], configs, { signal: calm, env: {}, bounds: quick });
    return untold.map(({ kind }) => kind);
  };
  const refusing = configOf('webhook', { url: bad.url });
  assert.equal(await untoldBy(refusing), ['deployed', 'rolled_back']);
  assert.equal(await untoldBy(refusing, configOf('webhook', { url: good.url }, ['deployed'])), ['rolled_back']);
  assert.equal(await untoldBy(configOf('webhook', { url: once.url })), ['rolled_back'], 'the first was taken');
  assert.equal(await untoldBy(configOf('webhook', { url: bad.url }, ['alert'])), []);
  assert.equal(await untoldBy(configOf('slack', { urlEnv: 'HOOK' })), [], 'it is off');
});

test('P4: what the other side refuses for good does not keep what comes behind it from being told', async (t) => {
  const { url, received } = await playReceiver(t, word(400, 'too odd'), word(200, 'ok'));
  const notices = [notice, noticeWith({ outcome: 'rolled_back', failure: gateFailure })];
  const how = { signal: calm, env: {}, bounds: quick };
  const { problems, untold } = await notifyEach(notices, [configOf('webhook', { url })], how);
  assert.equal([problems, received.length], [['webhook was not told: answered 400: too odd'], 2]);
  assert.equal(untold, [notice]);
});

test('W4: the secret comes from a file, a credential, a variable', async (t) => {
  const { url, received } = await playReceiver(t, word(200, 'ok'));
  const directory = await makeDirectory(t);
  await writeFile(join(directory, 'channel'), `${url}/from-file\n`);
  assert.equal(await tell(configOf('slack', { urlFile: join(directory, 'channel') })), []);
  assert.equal(await tell(configOf('slack', { urlCredential: 'channel' }), { CREDENTIALS_DIRECTORY: directory }), []);
  assert.equal(await tell(configOf('slack', { urlEnv: 'HOOK' }), { HOOK: ` ${url}/from-variable ` }), []);
  assert.equal(
    received.map((request) => request.path),
    ['/from-file', '/from-file', '/from-variable'],
  );
});

test('P4: without a secret the channel is silently off', async () => {
  for (const options of [{}, { token: null, tokenFile: null }, { tokenEnv: 'TOKEN' }])
    assert.equal(await tell(configOf('telegram', { ...options, chat: '1' })), []);
  assert.equal(await tell(configOf('slack', { urlEnv: 'HOOK' }), { HOOK: '' }), []);
});

test('P4: a secret that is given and cannot be read is told of', async (t) => {
  const directory = await makeDirectory(t);
  for (const [name, text] of Object.entries({ empty: '\n', two: 'planted one' }))
    await writeFile(join(directory, name), text);
  await chmod(join(directory, 'two'), 0o600);
  const cases: [Record<string, string>, string][] = [
    [{ urlFile: `${directory}/none` }, `cannot read ${directory}/none: there is no such file`],
    [{ urlFile: directory }, `cannot read ${directory}: `],
    [{ urlFile: `${directory}/empty` }, `${directory}/empty is empty`],
    [{ urlFile: `${directory}/two` }, `${directory}/two holds more than one word`],
    [{ urlCredential: 'slack' }, 'there is no credential slack: no service manager gave any'],
    [{ urlCredential: '../two' }, '"../two" is no name of a credential'],
  ];
  for (const [options, said] of cases) {
    const [problem = ''] = await tell(configOf('slack', options));
    assert.ok(problem.startsWith(`slack was not told: ${said}`), problem);
  }
});
