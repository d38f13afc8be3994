import * as assert from 'uvu/assert';
import { findSecrets, isSecretName, redact, redactText } from '../../lib/config/secrets.ts';
import { suite } from '../suite.ts';

const test = suite('config/secrets');

test('W4: a secret inside a text is taken out, whatever it begins with', () => {
  const texts: [string, string][] = [
    ['postgres://app:hunter2@db/shop', 'postgres://app:[redacted]@db/shop'],
    ['postgres://app:$ecret@db/shop', 'postgres://app:[redacted]@db/shop'],
    ['postgres://app:$TRONG@db/shop', 'postgres://app:[redacted]@db/shop'],
    ['postgres://app:[hunter]2@db/shop', 'postgres://app:[redacted]@db/shop'],
    ['postgres://app:${x}y@db/shop', 'postgres://app:[redacted]@db/shop'],
    ['http://h/?token=$abc&x=1', 'http://h/?token=[redacted]&x=1'],
    ['http://h/?api_key=[abc]&x=1', 'http://h/?api_key=[redacted]&x=1'],
    ['Authorization: Bearer $abc', 'Authorization: Bearer [redacted]'],
    ['https://hooks.slack.com/$a/b', 'https://hooks.slack.com/[redacted]'],
    ['https://api.telegram.org/bot[1]:x/sendMessage', 'https://api.telegram.org/bot[redacted]/sendMessage'],
    ['http://127.0.0.1:9000/a@b, http://[::1]:9000/', 'http://127.0.0.1:9000/a@b, http://[::1]:9000/'],
  ];
  for (const [text, expected] of texts) {
    assert.is(redactText(text), expected);
    assert.is(redactText(expected), expected, 'once more');
  }
});

test('W4: what a shell fills in is no secret, and what it leaves as it is is one', () => {
  const named = ['$PASS', '${PASS}', '${PASS:-none}', '$USER$PASS', '$(cat /etc/pass)', '`cat /etc/pass`'];
  for (const name of named) {
    const line = `curl -H "Authorization: Bearer ${name}" 'https://h/?token=${name}'`;
    assert.is(redact('test', line), line);
    assert.equal(
      findSecrets({ targets: { main: { hooks: { smoke: [line], build: { run: line, fallback: line } } } } }),
      [],
    );
  }
  for (const secret of ['hunter2', '$PASS!', '[PASS]', 'a$PASS', '$'])
    assert.is(redact('run', `curl https://u:${secret}@h/`), 'curl https://u:[redacted]@h/');
});

test('W4: an address of the configuration is read by no shell: its password is found', () => {
  assert.equal(findSecrets({ database: { url: 'postgres://app:$ecret@db/shop' } }), ['database.url']);
  assert.equal(findSecrets({ health: { url: ['http://a/', 'http://u:[a@b/'] } }), ['health.url']);
  assert.equal(findSecrets({ database: { url_file: '/etc/shop/url' } }), []);
});

test('W4: the usual names of secrets are known, and names that only look like them are none', () => {
  const secret = `DB_PASS SMTP_PASS pass smtp-pass DB_PASSWORD SSLPASSWORD APP_KEY RAILS_MASTER_KEY ENCRYPTION_KEY SIGNING_KEY
    JWT_KEY STRIPE_KEY SESSION_KEY SERVICE_KEY API_KEY SECRET_KEY_BASE AWS_SECRET_ACCESS_KEY app-key masterKey GITHUB_TOKEN`;
  const plain = `BYPASS compass encompass PASS_THROUGH pass_count PUBLIC_KEY CACHE_KEY primary_key SORT_KEY FOREIGN_KEY key KEYS
    SIGNING_KEY_FILE APP_KEY_ID monkey STRIPE_PUBLISHABLE_KEY HOST_KEY TOKEN_COUNT secret_file`;
  for (const name of secret.split(/\s+/)) assert.ok(isSecretName(name), name);
  for (const name of plain.split(/\s+/)) assert.not(isSecretName(name), name);
});

test('W4: of headers all but the usual ones are hidden, and a name that tells of a secret makes its file one', () => {
  const plain = { accept: 'text/html', 'User-Agent': 'probe', 'x-forwarded-proto': 'https' };
  const headers = { ...plain, 'x-own': 'hush', 'x-internal-auth': 'hush' };
  assert.equal(findSecrets({ health: { headers } }), ['health.headers.x-internal-auth']);
  assert.equal(redact('headers', headers), { ...plain, 'x-own': '[redacted]', 'x-internal-auth': '[redacted]' });
  assert.equal(findSecrets({ headers: { 'x-forwarded-access-token': 'hush' } }), ['headers.x-forwarded-access-token']);
  // A target may be called anything.
  assert.equal(findSecrets({ targets: { headers: { unit: 'shop.service' } } }), []);
});
