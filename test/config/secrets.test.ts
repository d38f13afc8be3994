import * as assert from 'uvu/assert';
import { findSecrets, redact, redactText } from '../../lib/config/secrets.ts';
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
