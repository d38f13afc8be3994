import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { secretsOf } from '../../lib/config/known-secrets.ts';
import { findSecrets } from '../../lib/config/secrets.ts';
import { suite } from '../suite.ts';

const test = suite('config/known-secrets');

test('W4: finds secrets inline, in files, credentials and variables, in addresses and headers', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'cutover-secrets-'));
  t.cleanup(() => rm(folder, { recursive: true }));
  const file = async (name: string, text: string): Promise<string> => {
    await writeFile(join(folder, name), text);
    return join(folder, name);
  };
  const part = {
    target: {
      unit: 'shop.service',
      environment: { API_TOKEN: 'inline-token', NODE_ENV: 'production' },
      health: {
        urls: ['http://user:url%2Fpass@127.0.0.1/'],
        headers: { authorization: 'Bearer bear-er', accept: 'text/html' },
      },
      database: { urlFile: await file('url', 'postgres://shop:data-pass@/shop\n'), path: '/srv/app.db' },
      hooks: { fetch: [{ run: { shell: 'true' }, user: null }] },
    },
    notify: [
      { channel: 'telegram', options: { tokenCredential: 'bot', chat: '46808774' } },
      { channel: 'slack', options: { url: 'https://hooks.slack.com/services/T/B/x' } },
      { channel: 'webhook', options: { urlEnv: 'HOOK_URL', tokenFile: join(folder, 'missing') } },
    ],
  };
  await file('bot', '123:bot-token\n');
  const env = { CREDENTIALS_DIRECTORY: folder, HOOK_URL: 'https://example.org/secret-path' };
  assert.equal(
    [...(await secretsOf(part, env))].toSorted(),
    [
      '123:bot-token',
      'Bearer bear-er',
      'bear-er',
      'data-pass',
      'https://example.org/secret-path',
      'https://hooks.slack.com/services/T/B/x',
      'inline-token',
      'postgres://shop:data-pass@/shop',
      'services/T/B/x',
      'url%2Fpass',
      'url/pass',
    ].toSorted(),
  );
});

test('W4: what is refused in a file that others may read is known, wherever in a text it stands', async () => {
  const rows: [part: object, secrets: string[]][] = [
    [{ health: { urls: ['http://h/?token=planted-hush'] } }, ['planted-hush']],
    [{ health: { urls: ['http://h/?a=b&api_key=planted%2Fhush#top'] } }, ['planted%2Fhush', 'planted/hush']],
    [{ hooks: { smoke: [{ run: ['curl', '--header', 'X-Api-Key: planted-hush', 'http://h/'] }] } }, ['planted-hush']],
    [{ hooks: { smoke: [{ run: { shell: 'curl -H "Authorization: Bearer planted-hush"' } }] } }, ['planted-hush']],
    [{ hooks: { failed: [{ run: ['curl', 'https://api.telegram.org/bot12:hush/sendMessage'] }] } }, ['12:hush']],
    // A shell reads a variable there, whose name anybody may see.
    [{ hooks: { smoke: [{ run: { shell: 'curl -u "u:$PASSWORD" "http://h/?token=$THE_TOKEN"' } }] } }, []],
    [{ health: { urls: ['http://h/?page=2', 'http://h/token/keys'] } }, []],
  ];
  for (const [part, secrets] of rows) {
    assert.equal([...(await secretsOf(part))], secrets, JSON.stringify(part));
    assert.is(findSecrets(part).length > 0, secrets.length > 0, JSON.stringify(part));
  }
});

test('W4: a pipe in place of a file with a secret keeps nobody waiting', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'cutover-secrets-'));
  t.cleanup(() => rm(folder, { recursive: true }));
  execFileSync('mkfifo', [join(folder, 'pipe')]);
  assert.equal([...(await secretsOf({ tokenFile: join(folder, 'pipe') }))], []);
});
