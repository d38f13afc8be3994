import { chmod, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { loadConfig } from '../../../lib/config/load.ts';
import { reachSystemd } from '../../../lib/systemd/systemd.ts';
import { serve } from '../../../lib/triggers/serve.ts';
import { serveLog } from '../../../lib/triggers/serve/log.ts';
import { makeDirectory } from '../../builds/directory.ts';
import { suite, type TestContext } from '../../suite.ts';
import { type Answered, hmac, type Sent, sendTo } from './at-hand.ts';

const test = suite('triggers/serve/ground');
const [old, renewed] = ['the-secret-that-got-out', 'the-secret-that-came-after'];
const [token, renewedToken] = ['a-token-of-many-characters', 'another-token-of-many-characters'];

interface Served {
  send: (sent: Sent) => Promise<Answered>;
  /** a plain push, signed */
  push: (key: string, body?: string, target?: string) => Promise<Answered>;
  health: (headers?: Record<string, string>) => Promise<Answered>;
  write: (name: string, text: string) => Promise<void>;
  configure: (lines?: { more?: string[]; app?: string; serve?: string[] }) => Promise<void>;
  path: (name: string) => string;
  lines: string[];
}

/** A receiver with files of its own, on a machine without a bus. */
async function served(t: TestContext, { serve: more = [] }: { serve?: string[] } = {}): Promise<Served> {
  const directory = await makeDirectory(t);
  const path = (name: string): string => join(directory, name);
  const write = (name: string, text: string): Promise<void> => writeFile(path(name), text, { mode: 0o600 });
  const configure: Served['configure'] = ({ more: targets = [], app = 'shop', serve: own = more } = {}) => {
    const top = [`app = "${app}"`, `state = "${directory}/state"`, `logs = "${directory}/logs"`];
    const production = ['[targets.production]', 'unit = "no-such.service"', `builds = "${directory}/builds"`];
    const receiver = ['[serve]', 'listen = "127.0.0.1:0"', `secret_file = "${path('secret')}"`, ...own];
    return write('cutover.toml', [...top, ...production, ...targets, ...receiver, ''].join('\n'));
  };
  await write('secret', old);
  await write('token', token);
  await configure();
  const lines: string[] = [];
  const receiver = await serve({
    config: await loadConfig(path('cutover.toml')),
    env: {},
    systemd: nowhere(t),
    log: serveLog((line) => void lines.push(line), true),
    request: ['/bin/false'],
  });
  t.cleanup(() => receiver.end());
  const send = (sent: Sent): Promise<Answered> => sendTo(receiver.port ?? 0, sent);
  const push: Served['push'] = (key, body = '{}', target = 'production') =>
    send({ path: `/hooks/plain/${target}`, headers: { 'X-Signature-256': hmac(body, key) }, body });
  const health: Served['health'] = (headers = {}) => send({ method: 'GET', path: '/health', headers });
  return { send, push, health, write, configure, path, lines };
}

function nowhere(t: TestContext) {
  const before = process.env.DBUS_SYSTEM_BUS_ADDRESS;
  process.env.DBUS_SYSTEM_BUS_ADDRESS = 'unix:path=/nowhere/bus';
  t.cleanup(() => {
    if (before === undefined) delete process.env.DBUS_SYSTEM_BUS_ADDRESS;
    else process.env.DBUS_SYSTEM_BUS_ADDRESS = before;
  });
  const systemd = reachSystemd('system');
  t.cleanup(() => systemd.close());
  return systemd;
}

test('W1: a secret that was renewed counts at once, and the one before it no more', async (t) => {
  const { push, write, path, health, lines } = await served(t);
  assert.equal([(await push(old)).status, (await push(renewed)).status], [202, 401]);
  await write('secret', renewed);
  assert.equal(
    [(await push(old, '{"revision":"2"}')).status, (await push(renewed, '{"revision":"2"}')).status],
    [401, 202],
  );
  // One that cannot be used lets nobody in, the one before it least of all.
  for (const spoil of [() => write('secret', ''), () => chmod(path('secret'), 0o644), () => rm(path('secret'))]) {
    await write('secret', renewed);
    await chmod(path('secret'), 0o600);
    await spoil();
    for (const key of [old, renewed]) {
      const { status, headers } = await push(key);
      assert.equal([status, headers['retry-after']], [503, '30']);
    }
  }
  assert.match((await health()).json.problems.join(), 'no request is believed: cannot read the secret');
  await write('secret', renewed);
  assert.is((await push(renewed, '{"revision":"3"}')).status, 202);
  assert.not.match((await health()).json.problems.join(), 'no request is believed');
  assert.not.match(lines.join('\n'), /the-secret/);
});

test('W1: a configuration that was changed is taken over: a new target, another branch', async (t) => {
  const { push, configure, path } = await served(t);
  assert.is((await push(old, '{"branch":"next"}')).json.status, 'ignored');
  assert.is((await push(old, '{}', 'staging')).status, 404);
  const staging = ['[targets.staging]', 'unit = "other.service"', `builds = "${path('staging')}"`];
  await configure({ more: ['branch = "next"', ...staging] });
  assert.is((await push(old, '{"branch":"next"}')).json.status, 'queued');
  assert.is((await push(old, '{}', 'staging')).json.status, 'queued');
});

test('W1: a configuration that cannot be used leaves the one before it in force, and the health says so', async (t) => {
  const { push, configure, write, health, lines } = await served(t);
  await write('cutover.toml', 'app = "shop"\n[targets');
  assert.is((await push(old)).status, 202);
  const said = /the configuration was changed, and the one before it is in force: .*line 2/;
  assert.match((await health()).json.problems.join(), said);
  assert.match(lines.join('\n'), said);
  await configure();
  assert.not.match((await health()).json.problems.join(), 'configuration');
  await configure({ app: 'another' });
  assert.match((await health()).json.problems.join(), /another app, .*: systemctl restart cutover-serve\.service/);
  assert.is((await push(old, '{"revision":"2"}')).status, 202);
});

test('W1, R6: a token that was renewed counts at once; one that cannot be read lets nobody in', async (t) => {
  const { send, write } = await served(t, { serve: [] }).then(async (found) => {
    await found.configure({ serve: [`token_file = "${found.path('token')}"`] });
    return found;
  });
  const asked = async (word: string): Promise<number> =>
    (await send({ method: 'GET', path: '/state', headers: { Authorization: `Bearer ${word}` } })).status;
  assert.equal([await asked(token), await asked(renewedToken)], [200, 401]);
  await write('token', renewedToken);
  assert.equal([await asked(token), await asked(renewedToken)], [401, 200]);
  await write('token', '');
  assert.equal([await asked(token), await asked(renewedToken), await asked('')], [401, 401, 401]);
});

/** Ways in which a request is not from this machine. */
const far: Record<string, string>[] = [
  { 'X-Forwarded-For': '192.0.2.7' },
  { Host: 'evil.example' },
  { Forwarded: 'for=192.0.2.7' },
];

test('W1, R6: without a token, what tells of runs is for this machine, and for who knows the name of a request', async (t) => {
  const { send, push, health } = await served(t);
  const get = (path: string, headers: Record<string, string> = {}): Promise<Answered> =>
    send({ method: 'GET', path, headers });
  const { run, id } = (await push(old)).json;
  for (const headers of far) {
    for (const path of ['/metrics', '/runs/20260203-151120-4f2a', '/runs/x', '/state']) {
      const { status, json } = await get(path, headers);
      assert.equal([status, json.error.code], [403, 'no_token'], `${path} ${JSON.stringify(headers)}`);
    }
    assert.equal(
      [(await get(run, headers)).json.id, (await get(`${run.slice(0, -8)}00000000`, headers)).status],
      [id, 404],
    );
    const { text, json } = await health(headers);
    assert.not.match(text, id, 'the name of a request is told to who sent it alone');
    assert.is([...json.queue, ...json.running].length, 1);
  }
  assert.match((await health()).text, id);
  assert.equal([(await get('/metrics')).status, (await get('/runs/20260203-151120-4f2a')).status], [200, 404]);
});

test('W1, R6: where there is a token, the name of a request is not enough', async (t) => {
  const { send, push, configure, path } = await served(t);
  const { run } = (await push(old)).json;
  await configure({ serve: [`token_file = "${path('token')}"`] });
  for (const headers of [{}, ...far]) assert.is((await send({ method: 'GET', path: run, headers })).status, 401);
  const headers = { Authorization: `Bearer ${token}` };
  assert.is((await send({ method: 'GET', path: run, headers })).status, 200);
});
