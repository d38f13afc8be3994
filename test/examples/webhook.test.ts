// needs: sandbox
// deadline: 8min
import { createHmac } from 'node:crypto';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { receiverRule } from '../../lib/deployer/init/receiver-rule.ts';
import { until } from '../deploy/site.ts';
import { repository, sandboxFor, type TestSandbox } from '../sandboxed.ts';
import { suite } from '../suite.ts';
import { commandFor } from '../triggers/serve/installed.ts';
import { type Answer, callInside } from '../triggers/serve/receiving.ts';
import { requireDebian } from '../debian.ts';

const test = suite('examples/webhook', { timeoutMs: 360_000 });
const [folder, pipeline] = [join(repository, 'examples/webhook'), join(repository, 'examples/pipeline')];
const units = ['cutover-serve.service', 'cutover-serve.socket', 'cutover-request@.service'];
const service = 'cutover-serve.service';
const port = 4040;

test('W1: every push is deployed, through nights like those that the old receiver died in', async (t) => {
  requireDebian({ git: '/usr/bin/git', openssl: '/usr/bin/openssl' });
  const sandbox = await sandboxFor();
  await install(sandbox);
  t.cleanup(() => sandbox.exec(['systemctl', 'stop', service, 'cutover-serve.socket', 'shop']));

  await commit(sandbox, 'sell butter', '["bread", "butter"]');
  const first = await deliver(sandbox, 'd-1');
  await served(sandbox, first, 'butter');
  assert.equal(
    (await deliver(sandbox, 'd-1')).body,
    { ...first.body, status: 'done', replayed: true },
    'delivered twice, deployed once',
  );

  // Nothing of this is a push of ours.
  const junk = Array.from({ length: 100 }, (_, n) => ({
    method: 'POST',
    path: '/hooks/github/production',
    body: `${n}`,
  }));
  const refused = await callInside(sandbox, port, junk);
  assert.ok(refused.every(({ status }) => status === 401 || status === 429));
  const tag = await deliver(sandbox, 'd-tag', { ref: 'refs/tags/v1' });
  assert.equal([tag.status, tag.body.status], [202, 'ignored']);

  // Killed in the middle of a deploy, and called while it is down.
  await commit(sandbox, 'sell jam', '["bread", "jam"]');
  const second = await deliver(sandbox, 'd-2');
  await sandbox.run('systemctl', 'kill', '--signal=KILL', service);
  await commit(sandbox, 'sell honey', '["bread", "honey"]');
  const third = await deliver(sandbox, 'd-3');
  await served(sandbox, third, 'honey');
  assert.is((await ended(sandbox, second)).exit_code, 0);

  // The disk is full; the host shows a failed delivery, and somebody delivers it again.
  await commit(sandbox, 'sell tea', '["bread", "tea"]');
  const queue = '/var/lib/cutover-serve/shop/queue';
  await sandbox.run('mount', '-t', 'tmpfs', '-o', 'size=16k,uid=cutover-serve', 'tmpfs', queue);
  await sandbox.exec(['dd', 'if=/dev/zero', `of=${queue}/full`, 'bs=4k']);
  await sandbox.run('systemctl', 'restart', service);
  assert.is((await call(sandbox, 'd-4', {})).status, 503);
  await until('the health says so', async () => (await health(sandbox)).status === 503);
  await sandbox.run('rm', `${queue}/full`);
  await served(sandbox, await deliver(sandbox, 'd-4'), 'tea');
  await until('nothing is wrong any more', async () => (await health(sandbox)).body.problems.length === 0);

  const byHand = await signedByHand(sandbox);
  assert.is((await ended(sandbox, byHand)).exit_code, 0);

  // What is not healthy does not stay.
  await commit(sandbox, 'a mistake', '["bread", ');
  const bad = await ended(sandbox, await deliver(sandbox, 'd-5'));
  assert.equal([bad.outcome, bad.exit_code], ['rolled_back', 4], JSON.stringify(bad));
  assert.match(await sandbox.run('curl', '--silent', 'http://127.0.0.1:9000/'), 'tea');
});

/** It is over, was deployed, and what was pushed is what is sold. */
async function served(sandbox: TestSandbox, answer: Answer, good: string): Promise<void> {
  const run = await ended(sandbox, answer);
  assert.equal([run.state, run.exit_code], ['done', 0], JSON.stringify(run));
  assert.match(await sandbox.run('curl', '--silent', 'http://127.0.0.1:9000/'), good);
}

async function ended(sandbox: TestSandbox, { body }: Answer) {
  let run: any;
  const ask = async (): Promise<boolean> => {
    run = (await callInside(sandbox, port, [{ path: body.run }]))[0]?.body;
    return run.state === 'done' || run.state === 'superseded';
  };
  await until(`${body.run} is over`, ask, 90_000);
  return run;
}

async function health(sandbox: TestSandbox): Promise<Answer> {
  return (await callInside(sandbox, port, [{ path: '/health' }]))[0] as Answer;
}

/** As GitHub calls for a push, with the secret that the README has made. */
async function call(sandbox: TestSandbox, delivery: string, fields: Record<string, string>): Promise<Answer> {
  const secret = (await readFile(sandbox.hostPath('/etc/cutover/webhook.secret'), 'utf8')).trim();
  const body = JSON.stringify({ ref: 'refs/heads/main', after: delivery, ...fields });
  const signature = `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
  const headers = { 'X-Hub-Signature-256': signature, 'X-GitHub-Event': 'push', 'X-GitHub-Delivery': delivery };
  const [answer] = await callInside(sandbox, port, [
    { method: 'POST', path: '/hooks/github/production', headers, body },
  ]);
  return answer as Answer;
}

async function deliver(sandbox: TestSandbox, delivery: string, fields: Record<string, string> = {}): Promise<Answer> {
  const answer = await call(sandbox, delivery, fields);
  assert.is(answer.status, 202, JSON.stringify(answer.body));
  return answer;
}

/** The lines of the README that sign with openssl, as they stand there. */
async function signedByHand(sandbox: TestSandbox): Promise<Answer> {
  const text = await readFile(join(folder, 'README.md'), 'utf8');
  const lines = /```sh\n(body=[^`]+)```/.exec(text)?.[1] ?? '';
  const script = lines.replace('https://deploy.example.org', `http://127.0.0.1:${port}`);
  const said = await sandbox.run('sh', '-ec', `cd /etc/cutover\n${script}`);
  return { status: 202, headers: {}, body: JSON.parse(said) };
}

/** As the README says, but for where cutover and node lie. */
async function install(sandbox: TestSandbox): Promise<void> {
  const cutover = await commandFor(sandbox);
  const put = async (path: string, text: string, mode = 0o644): Promise<void> => {
    await mkdir(join(sandbox.hostPath(path), '..'), { recursive: true });
    await writeFile(sandbox.hostPath(path), text, { mode });
  };
  const limits = '\n[targets.production.limits]\ndisk_used = "99%"\nmemory_available = "50M"\n';
  await put('/etc/cutover/cutover.toml', (await readFile(join(folder, 'cutover.toml'), 'utf8')) + limits, 0o600);
  await sandbox.run('sh', '-c', '(umask 077; openssl rand -hex 32 > /etc/cutover/webhook.secret)');
  for (const name of units) {
    const text = await readFile(join(repository, 'units', name), 'utf8');
    await put(`/etc/systemd/system/${name}`, text.replace('=/usr/bin/cutover', `=${cutover}`));
  }
  const path = '/srv/shop/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
  await put('/etc/systemd/system/cutover-request@.service.d/path.conf', `[Service]\nEnvironment=PATH=${path}\n`);
  await put('/srv/shop/bin/cutover', `#!/bin/sh\nexec ${cutover} "$@"\n`, 0o755);
  await put('/srv/shop/bin/node', `#!/bin/sh\nexec ${process.execPath} "$@"\n`, 0o755);
  const unit = await readFile(join(pipeline, 'shop.service'), 'utf8');
  await put('/etc/systemd/system/shop.service', unit.replace('/usr/bin/node', process.execPath));
  await put(
    '/etc/sysusers.d/cutover-serve.conf',
    await readFile(join(repository, 'units/cutover-serve.sysusers'), 'utf8'),
  );
  await sandbox.run('systemd-sysusers', 'cutover-serve.conf');
  const rule = receiverRule({ app: 'shop' }, [{ name: 'production' }]);
  await put(rule.path, rule.text);
  await makeRepository(sandbox);
  await sandbox.run('systemctl', 'restart', 'polkit.service');
  await sandbox.run('systemctl', 'daemon-reload');
  await sandbox.run('systemctl', 'start', 'cutover-serve.socket', service);
}

async function makeRepository(sandbox: TestSandbox): Promise<void> {
  await mkdir(sandbox.hostPath('/srv/shop/builds'), { recursive: true });
  await cp(join(pipeline, 'shop'), sandbox.hostPath('/srv/shop/clone'), { recursive: true });
  await rm(sandbox.hostPath('/srv/shop/clone/tests'), { recursive: true });
  const test = "import { test } from 'node:test';\ntest('nothing yet', () => {});\n";
  await mkdir(sandbox.hostPath('/srv/shop/clone/tests'));
  await writeFile(sandbox.hostPath('/srv/shop/clone/tests/shop.test.mjs'), test);
  await git(sandbox, 'init', '--quiet', '--initial-branch=main');
  await git(sandbox, 'config', 'user.name', 'a developer');
  await git(sandbox, 'config', 'user.email', 'developer@example.org');
  await sandbox.run('git', 'init', '--quiet', '--bare', '--initial-branch=main', '/srv/shop/shop.git');
  await git(sandbox, 'remote', 'add', 'origin', '/srv/shop/shop.git');
  await commit(sandbox, 'the first shop', '["bread"]');
  await sandbox.run('git', 'clone', '--quiet', '/srv/shop/shop.git', '/srv/shop/repo');
}

async function commit(sandbox: TestSandbox, message: string, goods: string): Promise<void> {
  await writeFile(sandbox.hostPath('/srv/shop/clone/goods.json'), goods);
  await git(sandbox, 'add', '--all');
  await git(sandbox, 'commit', '--quiet', '--message', message);
  await git(sandbox, 'push', '--quiet', 'origin', 'main');
}

async function git(sandbox: TestSandbox, ...words: string[]): Promise<void> {
  await sandbox.run('git', '-C', '/srv/shop/clone', ...words);
}
