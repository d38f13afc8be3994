import * as assert from 'uvu/assert';
import { secretsOf } from '../../lib/config/known-secrets.ts';
import { findSecrets, redact, redactText } from '../../lib/config/secrets.ts';
import { commandLineOf } from '../../lib/systemd/command-line.ts';
import { suite } from '../suite.ts';

const test = suite('config/address secrets');

/** An address, how it is shown, and what in it is secret. */
const secret: [string, string, string[]][] = [
  [
    'https://ghp_xxxxxxxxxxxxxxxx@github.com/o/r.git',
    'https://[redacted]@github.com/o/r.git',
    ['ghp_xxxxxxxxxxxxxxxx'],
  ],
  ['https://github_pat_hush_more@github.com/o', 'https://[redacted]@github.com/o', ['github_pat_hush_more']],
  ['http://glpat-hush@git.example.org:8080/o', 'http://[redacted]@git.example.org:8080/o', ['glpat-hush']],
  ['git+https://gho_hush@github.com/o/r.git', 'git+https://[redacted]@github.com/o/r.git', ['gho_hush']],
  ['https://x-oauth-hush@github.com/o', 'https://[redacted]@github.com/o', ['x-oauth-hush']],
  ['https://0a1b2c3d4e5f6a7b8c9d@example.org/', 'https://[redacted]@example.org/', ['0a1b2c3d4e5f6a7b8c9d']],
  ['HTTPS://aBc4eFgHiJ2LmNoPqRs7@example.org/', 'HTTPS://[redacted]@example.org/', ['aBc4eFgHiJ2LmNoPqRs7']],
  ['https://0a1b2c3d4e5f6a7b8c9d:@example.org/', 'https://[redacted]:@example.org/', ['0a1b2c3d4e5f6a7b8c9d']],
  [
    'https://0a1b2c3d4e5f6a7b8c9d:x-oauth-basic@example.org/',
    'https://[redacted]:[redacted]@example.org/',
    ['0a1b2c3d4e5f6a7b8c9d', 'x-oauth-basic'],
  ],
  ['https://ghs_hush:x@github.com/o', 'https://[redacted]:[redacted]@github.com/o', ['ghs_hush', 'x']],
  ['https://x-access-token:ghs_hush@github.com/o', 'https://x-access-token:[redacted]@github.com/o', ['ghs_hush']],
  ['postgres://app:hunter2@db/shop', 'postgres://app:[redacted]@db/shop', ['hunter2']],
];

const plain = [
  'https://git@github.com/o/r.git',
  'https://deploy@example.org/',
  'postgres://app@host/shop',
  'postgres://application_user_01@host/shop',
  'ssh://git@github.com/o/r.git',
  'https://engineering-department@dev.example.org/o',
  'https://ContosoEngineering2024@dev.example.org/o',
  'https://my-organisation-2024-eu@dev.example.org/o',
  'https://example.org/0a1b2c3d4e5f6a7b8c9d@latest',
  'https://registry.example.org/@scope/package-0a1b2c3d4e5f',
];

test('W4: a token in place of a user name is a secret to all who look for one', async () => {
  for (const [address, shown, values] of secret) {
    const line = `git fetch '${address}' main`;
    assert.is(redactText(address), shown);
    assert.is(redactText(shown), shown, 'once more');
    assert.is(redact('fetch', line), `git fetch '${shown}' main`);
    assert.is(commandLineOf(['git', 'clone', address]), `git clone ${shown}`);
    assert.equal(findSecrets({ hooks: { fetch: line } }), ['hooks.fetch'], address);
    assert.equal([...(await secretsOf({ hooks: { fetch: line } }))], values);
  }
});

test('W4: the name of an account is none, and neither is a variable', async () => {
  const named = ['https://$GITHUB_TOKEN_2@github.com/o', 'https://${GITHUB_TOKEN_2}@github.com/o'];
  for (const address of [...plain, ...named]) {
    assert.is(redactText(address), address);
    assert.is(commandLineOf(['git', 'clone', address]), `git clone ${address}`);
    assert.equal(findSecrets({ hooks: { fetch: `git fetch ${address}` } }), [], address);
    assert.equal([...(await secretsOf({ hooks: { fetch: `git fetch ${address}` } }))], []);
  }
});
