import { chmod, writeFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { isCutoverError } from '../../../lib/base/errors.ts';
import { openAttempts } from '../../../lib/triggers/page/attempts.ts';
import { sessionMs, tokenCheck } from '../../../lib/triggers/page/token.ts';
import { secretIn } from '../../../lib/triggers/serve/secret.ts';
import { makeDirectory } from '../../builds/directory.ts';
import { suite, type TestContext } from '../../suite.ts';
import { type Answer, ask } from './asked.ts';
import { modelWith, targetWith } from './samples.ts';
import { showPage } from './shown.ts';

const test = suite('who may look');

const token = '4f1d2a77c0b94e5f9d3c8b6a';

function show(t: TestContext) {
  return showPage(t, modelWith([targetWith()]), { token });
}

function logIn(url: string, word: string, headers: Record<string, string> = {}): Promise<Answer> {
  const body = new URLSearchParams({ token: word }).toString();
  const form = { 'content-type': 'application/x-www-form-urlencoded', accept: 'text/html' };
  return ask(`${url}/login`, { method: 'POST', body, headers: { ...form, ...headers } });
}

test('R6: with a token nobody sees anything without it, and its bearer sees all', async (t) => {
  const { url } = await show(t);
  for (const path of ['/', '/state', '/events']) {
    const { status, headers, text } = await ask(url + path);
    assert.equal([status, JSON.parse(text).error.code], [401, 'token'], path);
    assert.match(headers['www-authenticate'] ?? '', /^Bearer/);
    assert.not.match(text, /production|dist\./);
  }
  const headers = { authorization: `Bearer ${token}` };
  assert.is((await ask(`${url}/state`, { headers })).status, 200);
  assert.is((await ask(url, { headers })).status, 200);
  // What is no secret comes without it: the form needs its colours.
  assert.is((await ask(`${url}/page/page.css`)).status, 200);
});

test('R6: a browser gets a form, and for the right token a cookie that no script and no other site can use', async (t) => {
  const { url } = await show(t);
  const form = await ask(url, { headers: { accept: 'text/html' } });
  assert.is(form.status, 401);
  assert.match(form.text, /<input id="token" name="token" type="password"/);
  assert.match(form.headers['content-security-policy'] ?? '', "form-action 'self'");
  const { status, headers } = await logIn(url, token);
  assert.equal([status, headers.location], [303, '/']);
  const given = headers['set-cookie'] ?? '';
  for (const word of ['HttpOnly', 'SameSite=Strict', 'Path=/', `Max-Age=${sessionMs / 1000}`])
    assert.match(given, word);
  assert.not.match(given, token);
  assert.not.match(given, 'Secure');
  const cookie = given.split(';')[0] ?? '';
  assert.is((await ask(url, { headers: { cookie } })).status, 200);
  const changed = cookie.replace(/.$/, (last) => (last === '0' ? '1' : '0'));
  assert.is((await ask(url, { headers: { cookie: changed } })).status, 401);
  const behindTls = await logIn(url, token, { 'x-forwarded-proto': 'https' });
  assert.match(behindTls.headers['set-cookie'] ?? '', 'Secure');
});

test('R6: a wrong token is told so slowly, and after ten of them nobody listens for a while', async (t) => {
  const { url } = await show(t);
  const began = performance.now();
  const wrong = await logIn(url, '<b>wrong</b>');
  assert.ok(performance.now() - began >= 390, 'too quick');
  assert.equal([wrong.status, wrong.headers['set-cookie']], [401, undefined]);
  assert.match(wrong.text, 'that is not the token');
  assert.not.match(wrong.text, '<b>');
  const cookie = ((await logIn(url, token)).headers['set-cookie'] ?? '').split(';')[0] ?? '';
  const more = await Promise.all(Array.from({ length: 12 }, (_, index) => logIn(url, `wrong-${index}`)));
  assert.equal(
    more.map(({ status }) => status).toSorted((one, other) => one - other),
    [...Array.from({ length: 9 }, () => 401), 429, 429, 429],
  );
  // Not even the right one, or trying would tell.
  const late = await ask(url, { headers: { authorization: `Bearer ${token}` } });
  assert.is(late.status, 429);
  assert.ok(Number(late.headers['retry-after']) > 0);
  // Nor does a stranger behind the proxy of this machine keep others out who come through it.
  const through = { authorization: `Bearer ${token}`, 'x-forwarded-for': '203.0.113.9' };
  assert.is((await ask(url, { headers: through })).status, 200);
  // Whoever is in already is not put out by others.
  assert.is((await ask(url, { headers: { cookie } })).status, 200);
});

test('R6: the addresses of one IPv6 network are one who tries, and keep nobody else out', async (t) => {
  const { url } = await show(t);
  const through = (address: string, word: string): Promise<Answer> =>
    ask(`${url}/state`, { headers: { authorization: `Bearer ${word}`, 'x-forwarded-for': address } });
  const tried = await Promise.all(
    Array.from({ length: 24 }, (_, index) => through(`2001:db8:0:5::${index + 1}`, `wrong-${index}`)),
  );
  assert.is(tried.filter(({ status }) => status === 401).length, 10);
  assert.is((await through('2001:db8:0:5:ffff::1', token)).status, 429);
  assert.is((await through('2001:db8:0:6::1', token)).status, 200);
});

test('R6: a form that is too long, or does not say how long it is, is not read', async (t) => {
  const { url } = await show(t);
  assert.is((await logIn(url, 'x'.repeat(20_000))).status, 413);
  const { status } = await ask(`${url}/login`, { method: 'POST', headers: { 'transfer-encoding': 'chunked' } });
  assert.is(status, 411);
});

test('R6: without a token there is no form, and no page for other machines', async (t) => {
  const { url } = await showPage(t, modelWith([targetWith()]), { host: '0.0.0.0' });
  const port = new URL(url).port;
  assert.is((await logIn(`http://127.0.0.1:${port}`, token)).status, 404);
  const other = Object.values(networkInterfaces())
    .flat()
    .find((one) => one?.family === 'IPv4' && !one.internal)?.address;
  // A machine that is in no network has no address that others could ask.
  const address = other ?? '127.0.0.1';
  const host = other === undefined ? 'elsewhere.example.com' : 'localhost';
  const { status, text } = await ask(`http://${address}:${port}/state`, { headers: { host } });
  assert.equal([status, JSON.parse(text).error.code], [403, 'no_token']);
});

test('R6: a session is of this process and of this token, and it ends', () => {
  const check = tokenCheck(token);
  const session = check.newSession(1_000_000);
  assert.ok(check.isSession(session, 1_000_001));
  assert.not(check.isSession(session, 1_000_000 + sessionMs));
  assert.not(tokenCheck(token).isSession(session, 1_000_001));
  const [, mac] = session.split('.');
  assert.not(check.isSession(`${1_000_000 + sessionMs * 2}.${mac}`, 1_000_001));
  for (const text of ['', '.', session.slice(1), `${session}0`, `9.${'0'.repeat(64)}`])
    assert.not(check.isSession(text, 0));
  assert.ok(check.isToken(token));
  assert.not(check.isToken(''));
  assert.not(check.isToken(`${token} `));
});

test('R6: tries are counted by address and together, and a new count begins after a minute', () => {
  const attempts = openAttempts();
  for (let index = 0; index < 10; index += 1) assert.is(attempts.begin('192.0.2.1', 0), 0);
  assert.is(attempts.begin('192.0.2.1', 20_000), 40_000);
  assert.is(attempts.begin('192.0.2.2', 20_000), 0);
  assert.is(attempts.begin('192.0.2.1', 60_000), 0);
  // A clock that went back locks nobody out.
  assert.is(attempts.begin('192.0.2.1', -3_600_000), 0);
  const many = openAttempts();
  for (let index = 0; index < 200; index += 1) assert.is(many.begin(`10.0.${index}.1`, 0), 0);
  assert.ok(many.begin('10.1.0.1', 0) > 0);
  const right = openAttempts();
  for (let index = 0; index < 300; index += 1) {
    assert.is(right.begin('192.0.2.1', 0), 0);
    right.forget('192.0.2.1');
  }
});

test('W4: a token file that is missing, open to everybody, empty or short is refused with what to type', async (t) => {
  const path = join(await makeDirectory(t), 'serve.token');
  const refusal = async (): Promise<string> => {
    try {
      return `read: ${await secretIn(path, 'token_file')}`;
    } catch (error) {
      assert.ok(isCutoverError(error, 'config'));
      assert.is(error.exitCode, 78);
      return `${error.message}: ${error.mend}`;
    }
  };
  assert.match(await refusal(), /there is no such file: \(umask 077; openssl rand -hex 32 > .*token_file = /);
  await writeFile(path, `${token}\n`, { mode: 0o600 });
  assert.is(await refusal(), `read: ${token}`);
  await chmod(path, 0o644);
  const open = await refusal();
  assert.match(open, `chmod 600 ${path}`);
  assert.not.match(open, token);
  await chmod(path, 0o600);
  const bad = {
    '': 'is empty',
    short: 'shorter than 16 characters',
    'two words of which the last is long': 'one word',
  };
  for (const [text, words] of Object.entries(bad)) {
    await writeFile(path, text);
    assert.match(await refusal(), words);
  }
});
