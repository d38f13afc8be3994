// needs: sandbox
import * as assert from 'uvu/assert';
import type { Behaviour } from '../services/builds.ts';
import { suite, type TestContext } from '../suite.ts';
import { buildId, type Called, makeSite, type Site } from './site.ts';
import { assertSound } from './sound.ts';

const test = suite('deploy/health');
const [first, second, third] = [buildId(1), buildId(2), buildId(3)];

interface Case {
  /** of the target's table `health`; PORT stands for the site's */
  lines: string[];
  start?: string[];
  good?: Behaviour;
  bad: Behaviour;
  /** why the bad one is refused */
  message: RegExp;
}

/** Two good builds are deployed, one over nothing and one over the other; a bad one is not, and the second is back. */
async function tellsApart(t: TestContext, { lines, start, good = {}, bad, message }: Case) {
  const site = await makeSite(t, { builds: [good, good, bad], isDeployed: false });
  await site.configure({ tables: { health: lines.map((line) => line.replaceAll('PORT', `${site.port}`)), start } });
  await site.sandbox.run('chmod', '600', site.config);
  const [onNothing, over, refused] = [await deploy(site, first), await deploy(site, second), await deploy(site, third)];
  for (const { code, document, stderr } of [onNothing, over])
    assert.equal([code, document.outcome, document.active], [0, 'deployed', document.to], stderr);
  const { outcome, active, failure } = refused.document;
  assert.equal([refused.code, outcome, active], [4, 'rolled_back', second], refused.stderr);
  assert.equal([failure?.step, failure?.reason], ['gate', 'health']);
  assert.match(failure?.message ?? '', message);
  await assertSound(site, second, refused);
  return { site, over, refused };
}

function deploy(site: Site, build: string): Promise<Called> {
  return site.call('deploy', [build]);
}

function gateMs({ document }: Called): number {
  return document.steps.find(({ name }) => name === 'gate')?.duration_ms ?? 0;
}

/** Neither in the logs nor in the state, which have something to say, nor in the journal. */
async function assertKeptNowhere({ sandbox, logs, state }: Site, secret: string): Promise<void> {
  const folders = [logs, state] as const;
  for (const folder of folders) assert.is((await sandbox.exec(['grep', '-rq', '.', folder])).code, 0, folder);
  const found = await sandbox.exec(['grep', '-r', secret, ...folders]);
  assert.equal([found.code, found.stdout], [1, ''], 'told in a log, a ledger or the evidence');
  const journal = await sandbox.run('journalctl', '--no-pager', '--all', '--output=verbose');
  assert.not.ok(journal.includes(secret), 'told in the journal');
}

const answering = (status: number): Behaviour => ({ answers: { '/ready': { status } } });
const saying = (body: string): Behaviour => ({ answers: { '/ready': { body } } });
const wanting = (authorization: string): Behaviour => ({
  answers: { '/private': { wants: { authorization, 'x-probe': 'cutover' } } },
});
const inARow = (count: number): string[] => [`successes = ${count}`];
const healthyFor = (time: string): string[] => [`healthy_for = "${time}"`];
const ready = { '/ready': {} };
const atReady = ['url = "http://127.0.0.1:PORT/ready"', 'json = {}'];
const bothAddresses = ['url = ["http://127.0.0.1:PORT/api/health", "http://127.0.0.1:PORT/ready"]', 'json = {}'];

test('S3: a list of addresses: the second is bad', async (t) => {
  const message = /not healthy after 3 attempts: http:.*\/ready: answered 404, expected 200: not found/;
  const { over } = await tellsApart(t, { lines: bothAddresses, good: { answers: ready }, bad: {}, message });
  assert.match(over.document.checks.find(({ name }) => name === 'health')?.observed ?? '', /200 .*200 /);
});

test('S3: a list of addresses: the first is bad', async (t) => {
  const bad = { answers: { ...ready, '/api/health': { status: 500, body: 'no database' } } };
  const message = /\/api\/health: answered 500, expected 200: no database/;
  await tellsApart(t, { lines: bothAddresses, good: { answers: ready }, bad, message });
});

const socket = '/run/shop health.sock';
const bothWays = [`url = ["http://127.0.0.1:PORT/", "http://unix:${socket}:/ready"]`, 'json = {}'];
const overSocket = [`url = "http://unix:${socket}:/api/health"`];

test('S3: over a Unix socket: one that is not there is waited for, then refused', async (t) => {
  const start = ['timeout = "10s"'];
  const message = /http:\/\/unix:\/run\/shop health\.sock:\/api\/health: .*(ENOENT|refused)/;
  const { refused } = await tellsApart(t, { lines: overSocket, start, good: { socket }, bad: {}, message });
  assert.ok(gateMs(refused) >= 10_000, `${gateMs(refused)} ms`);
});

test('S3: over a Unix socket: a bad answer', async (t) => {
  const bad: Behaviour = { socket, mode: 'wrong_body' };
  const message = /unix:.*: status is "unhealthy", expected "healthy"/;
  await tellsApart(t, { lines: overSocket, good: { socket }, bad, message });
});

test('S3: over a Unix socket and over the port: both must answer', async (t) => {
  const bad = { socket, answers: { '/ready': { status: 503 } } };
  const message = /unix:.*\/ready: answered 503/;
  await tellsApart(t, { lines: bothWays, good: { socket, answers: ready }, bad, message });
});

test('S3: successes in a row: a build that answers well two times of three', async (t) => {
  const bad: Behaviour = { mode: 'flaky' };
  const { site, over } = await tellsApart(t, { lines: inARow(3), bad, message: /answered 503, expected 200/ });
  assert.ok(gateMs(over) >= 200, `three answers, 100 ms apart, in ${gateMs(over)} ms`);
  await site.configure({ tables: { health: inARow(2) } });
  const called = await deploy(site, third);
  assert.equal([called.code, called.document.active], [0, third], 'two in a row it does answer');
});

test('S3: healthy_for: a build that falls ill after a while', async (t) => {
  const bad: Behaviour = { mode: 'sicken', afterMs: 7000 };
  const { site, over } = await tellsApart(t, {
    lines: healthyFor('8s'),
    bad,
    message: /answered 503, expected 200/,
  });
  assert.ok(gateMs(over) >= 8000 && gateMs(over) < 40_000, `${gateMs(over)} ms`);
  await site.configure({ tables: { health: healthyFor('0s') } });
  assert.is((await deploy(site, third)).code, 0, 'without it the first good answer is enough');
});

for (const [status, good, bad, message] of [
  ['"2xx"', 204, 302, /answered 302, expected 200-299/],
  ['"2xx"', 299, 404, /answered 404, expected 200-299/],
  ['["2xx", 304]', 304, 303, /answered 303, expected 200-299 or 304/],
  ['[200, 503]', 503, 201, /answered 201, expected 200 or 503/],
  ['401', 401, 200, /answered 200, expected 401/],
] as const) {
  test(`S3: status = ${status}: ${good} is well, ${bad} is not`, async (t) => {
    const lines = [...atReady, `status = ${status}`];
    await tellsApart(t, { lines, good: answering(good), bad: answering(bad), message });
  });
}

test('S3: a regular expression for the body', async (t) => {
  const lines = [...atReady, "body = '^version \\d+, (ready|warm)$'"];
  const message = /the body does not match \^version .*: version 3, ready soon/;
  await tellsApart(t, { lines, good: saying('version 2, warm'), bad: saying('version 3, ready soon'), message });
});

test('S3, W4: headers are sent, and a secret among them is told nowhere', async (t) => {
  const lines = [
    'url = "http://127.0.0.1:PORT/private"',
    'json = {}',
    'headers = { authorization = "Bearer hush-hush", x-probe = "cutover" }',
  ];
  const message = /\/private: answered 401, expected 200: who is asking\?/;
  const { site, over, refused } = await tellsApart(t, {
    lines,
    good: wanting('Bearer hush-hush'),
    bad: wanting('Bearer other'),
    message,
  });
  for (const { stdout, stderr } of [over, refused]) assert.not.match(stdout + stderr, 'hush-hush');
  await assertKeptNowhere(site, 'hush-hush');
});

test('S3, W4: a password in the address is used, and told nowhere', async (t) => {
  const secret = 'planted-3c0f9d21';
  const basic = `Basic ${Buffer.from(`probe:${secret}`).toString('base64')}`;
  const lines = [
    `url = "http://probe:${secret}@127.0.0.1:PORT/private"`,
    'json = {}',
    'headers = { x-probe = "cutover" }',
  ];
  const message = /\/private: answered 401, expected 200/;
  const { site, over, refused } = await tellsApart(t, {
    lines,
    good: wanting(basic),
    bad: wanting('Basic x'),
    message,
  });
  const asked = await Promise.all([site.tell('check', '--json'), site.tell('deploy', '--dry-run', '--json')]);
  for (const { stdout, stderr } of [over, refused, ...asked]) assert.not.match(stdout + stderr, secret);
  await assertKeptNowhere(site, secret);
});
