// needs: sandbox
import { chmod, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import * as assert from 'uvu/assert';
import { makeSite, type Refusal, type Site, until } from '../../deploy/site.ts';
import { suite, type TestContext } from '../../suite.ts';
import { type Answer, configureServe, receivingSite, secret } from './receiving.ts';

const test = suite('triggers/serve/start', { timeoutMs: 180_000 });
const thrower = fileURLToPath(new URL('./thrower.cjs', import.meta.url));
const sooner = fileURLToPath(new URL('./sooner.cjs', import.meta.url));
const flood = fileURLToPath(new URL('./flood.mjs', import.meta.url));

test('W1: without a secret that can be used it does not begin, and says what to type', async (t) => {
  const site = await servedSite(t, 4201);
  const file = site.sandbox.hostPath(`/etc/${site.app}.secret`);
  const cases: [change: () => Promise<unknown>, message: RegExp, mend: RegExp][] = [
    [() => chmod(file, 0o644), /may be read by everybody/, /^chmod 600 \/etc\//],
    [() => writeFile(file, '\n'), /is empty/, /openssl rand -hex 32 > \/etc\//],
    [() => writeFile(file, 'two words'), /more than one word/, /openssl rand/],
    [() => writeFile(file, 'short'), /shorter than 16 characters/, /openssl rand/],
    [() => rm(file), /there is no such file/, /openssl rand -hex 32 > \/etc\//],
  ];
  for (const [change, message, mend] of cases) {
    await writeFile(file, secret);
    await chmod(file, 0o600);
    await change();
    const { code, error, stderr } = await refusal(site);
    assert.is(code, 78, stderr);
    assert.match(error.message, message);
    assert.match(error.mend, mend);
  }
  await site.configure({});
  const { code, error } = await refusal(site);
  assert.equal([code, error.message], [78, 'serve has no secret that requests are signed with']);
});

test('W1: a secret comes from a credential of the service manager too', async (t) => {
  const site = await makeSite(t, { isDeployed: false });
  const directory = `/run/${site.app}-credentials`;
  await site.sandbox.run('mkdir', directory);
  await writeFile(site.sandbox.hostPath(`${directory}/cutover-webhook.secret`), secret, { mode: 0o400 });
  const child = await site.sandbox.startCutover(['serve', '--config', site.config], {
    env: { CREDENTIALS_DIRECTORY: directory },
  });
  t.cleanup(() => child.kill('SIGKILL'));
  const said = new Promise((resolve) => child.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString())));
  assert.match(String(await said), 'cutover listens on 127.0.0.1:4040');
});

test('W1: where another process listens it does not begin', async (t) => {
  const { site } = await receivingSite(t, { isDeployed: false });
  const { code, error } = await refusal(site);
  assert.is(code, 78);
  assert.match(error.message, 'another process listens there');
  assert.match(error.mend, /^ss -ltnp 'sport = :\d+'$/);
});

test('W1: an exception that nobody caught is told, and ends nothing', async (t) => {
  const receiving = await receivingSite(t, { env: { NODE_OPTIONS: `--require ${thrower}` } });
  const { sandbox } = receiving.site;
  await until('it says how it is', async () => receiving.output().includes('health: '));
  const health = (): Promise<Answer> => receiving.call({ path: '/health' });
  await until('it is well', async () => (await health()).status === 200);
  const pid = await receiverPid(receiving.site);
  for (const [signal, words] of [
    ['USR2', 'caught: thrown'],
    ['WINCH', 'caught: rejected'],
  ] as const) {
    await sandbox.run('kill', `-${signal}`, pid);
    await until('it is told', async () => receiving.output().includes(words));
  }
  // A look that systemd or the disk is slow to answer has a problem more.
  const expected = ['an error that nobody caught: rejected by nobody'];
  let seen: Answer | undefined;
  await until('its health says so, and no more', async () => {
    seen = await health();
    return isDeepStrictEqual(seen.body.problems, expected);
  }).catch(() => {});
  assert.equal([seen?.status, seen?.body.problems], [503, expected]);
  assert.is((await receiving.push()).status, 202);
  assert.is(await receiverPid(receiving.site), pid);
});

test('W1: every five minutes it says how it is', async (t) => {
  const receiving = await receivingSite(t, { isDeployed: false, env: { NODE_OPTIONS: `--require ${sooner}` } });
  await until('it has said so again and again', async () => (receiving.output().match(/health: /g)?.length ?? 0) >= 4);
});

test('W1: a thousand large requests at once leave it small, and well', async (t) => {
  const receiving = await receivingSite(t);
  const { sandbox } = receiving.site;
  const words = [String(receiving.port), '1000', String(1024 * 1024)] as const;
  const { stdout, stderr } = await sandbox.exec([process.execPath, flood, ...words], { timeoutMs: 120_000 });
  const answers = JSON.parse(stdout) as Record<string, number>;
  assert.ok((answers['401'] ?? 0) > 0, stdout + stderr);
  const peak = /VmHWM:\s+(\d+) kB/.exec(
    await sandbox.run('cat', `/proc/${await receiverPid(receiving.site)}/status`),
  )?.[1];
  assert.ok(Number(peak) < 400 * 1024, `at most ${peak} kB were in use`);
  const pushed = await receiving.push();
  assert.is(pushed.status, 202, JSON.stringify(pushed.body));
  assert.is((await receiving.ended(pushed.body.id)).exit_code, 0);
});

async function receiverPid({ sandbox, config }: Site): Promise<string> {
  return (await sandbox.run('pgrep', '--oldest', '--full', `serve --config ${config}`)).trim();
}

async function servedSite(t: TestContext, port: number): Promise<Site> {
  const site = await makeSite(t, { isDeployed: false });
  await configureServe(site, port);
  return site;
}

/** What `cutover serve` says when it does not begin. */
async function refusal({
  sandbox,
  config,
}: Site): Promise<{ code: number | null; stderr: string } & Pick<Refusal, 'error'>> {
  const { code, stderr } = await sandbox.cutover(['serve', '--config', config], { timeoutMs: 20_000 });
  const [, message = '', mend = ''] = /^cutover: (.*)\n {2}-> (.*)$/m.exec(stderr) ?? [];
  return { code, stderr, error: { code: '', message, mend } };
}
