import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { secretsOf } from '../../lib/config/known-secrets.ts';
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
      'url%2Fpass',
      'url/pass',
    ].toSorted(),
  );
});

test('W4: a pipe in place of a file with a secret keeps nobody waiting', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'cutover-secrets-'));
  t.cleanup(() => rm(folder, { recursive: true }));
  execFileSync('mkfifo', [join(folder, 'pipe')]);
  assert.equal([...(await secretsOf({ tokenFile: join(folder, 'pipe') }))], []);
});
