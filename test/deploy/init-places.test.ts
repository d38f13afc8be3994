// needs: sandbox
// deadline: 10min
import { appendFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import type { TestSandbox } from '../sandboxed.ts';
import { requireDebian } from '../debian.ts';
import { suite, type TestContext } from '../suite.ts';
import { commandFor } from '../triggers/serve/installed.ts';
import { callInside, configureServe, signatureOf } from '../triggers/serve/receiving.ts';
import { clearAfter, init, refused, statusesIn, textOf, unitsIn } from './initiating.ts';
import { plainUser } from './plain-user.ts';
import { buildId, makeSite, type Site, type SiteOptions, until } from './site.ts';
import { whoServes } from './sound.ts';

const test = suite('deploy/init --install places', { timeoutMs: 300_000 });
const serveUnits = ['cutover-serve.socket', 'cutover-serve.service'];
const port = 4050;

async function siteWith(t: TestContext, options: SiteOptions = {}): Promise<Site> {
  const site = await makeSite(t, options);
  clearAfter(t, site.sandbox);
  return site;
}

/** cutover from where the receiver sees it, which has a /tmp of its own and sees no home. */
async function seen(sandbox: TestSandbox): Promise<Pick<TestSandbox, 'cutover'>> {
  const [node = '', program = ''] = (await commandFor(sandbox)).split(' ');
  return {
    cutover: (words, options) => sandbox.exec([node, program, ...words], { timeoutMs: 120_000, ...options }),
  };
}

/** Sends a signed push, and waits for the end of what it asks for. */
async function push(site: Site): Promise<{ state: string; outcome: string }> {
  const { sandbox } = site;
  const body = '{}';
  const headers = { 'X-Signature-256': signatureOf(body) };
  const call = { method: 'POST', path: '/hooks/plain/production', headers, body };
  const [answer] = await callInside(sandbox, port, [call]);
  assert.is(answer?.status, 202, JSON.stringify(answer));
  let told: { state: string; outcome: string } = { state: '', outcome: '' };
  await until(
    'the request is over',
    async () => {
      told = (await callInside(sandbox, port, [{ path: answer?.body.run }]))[0]?.body;
      return told.state === 'done';
    },
    60_000,
  );
  return told;
}

test('W1: the receiver is up, and a signed push is deployed through the rule that was written', async (t) => {
  const site = await siteWith(t, { builds: [{}, {}] });
  const { sandbox, config } = site;
  await configureServe(site, port);
  const machine = await seen(sandbox);
  const called = await init(machine, '--install', '--config', config);
  assert.is(called.code, 0, called.stderr);
  t.cleanup(() => init(machine, '--uninstall', '--config', config));
  for (const unit of serveUnits) assert.is(await sandbox.run('systemctl', 'is-active', unit), 'active', unit);
  const { outcome } = await push(site);
  assert.is(
    outcome,
    'deployed',
    (await sandbox.exec(['journalctl', '--no-pager', '--lines=40', '--unit=cutover-*'])).stdout,
  );
  assert.is((await whoServes(site))?.build, buildId(2));
  const pid = ['systemctl', 'show', '--property=MainPID', '--value', 'cutover-serve.service'] as const;
  const before = await sandbox.run(...pid);
  assert.equal(statusesIn((await init(machine, '--install', '--config', config)).document), ['unchanged']);
  assert.is(await sandbox.run(...pid), before, 'it was started anew');
  const gone = await init(machine, '--uninstall', '--config', config);
  assert.equal([gone.code, statusesIn(gone.document)], [0, ['disabled', 'removed']], gone.stderr);
  for (const unit of serveUnits) assert.is((await sandbox.exec(['systemctl', 'is-active', unit])).stdout, 'inactive');
});

test('W1: a receiver without its secret, and a second one, are refused before anything is written', async (t) => {
  const site = await siteWith(t);
  const { sandbox, config, app } = site;
  await configureServe(site, port);
  const machine = await seen(sandbox);
  await sandbox.run('mv', `/etc/${app}.secret`, `/etc/${app}.away`);
  const without = await refused(machine, '--install', '--config', config);
  assert.equal([without.code, without.mend.includes(`openssl rand -hex 32 > /etc/${app}.secret`)], [78, true]);
  await sandbox.run('mv', `/etc/${app}.away`, `/etc/${app}.secret`);
  assert.is((await init(machine, '--install', '--config', config)).code, 0);
  t.cleanup(() => init(machine, '--uninstall', '--config', config));
  const other = await siteWith(t);
  await configureServe(other, port);
  const second = await refused(machine, '--install', '--config', other.config);
  assert.equal([second.code, second.mend.includes(`--uninstall --config ${config}`)], [1, true]);
});

test('a [serve] without a file for its secret: the units are there, and it is told what is left to do', async (t) => {
  const { sandbox, config } = await siteWith(t);
  await appendFile(sandbox.hostPath(config), '\n[serve]\n');
  const { code, document, stderr } = await init(sandbox, '--install', '--config', config);
  assert.is(code, 0, stderr);
  assert.match(document.notes.join(), 'LoadCredential=cutover-webhook.secret:FILE, then systemctl start');
  for (const unit of serveUnits) assert.is((await sandbox.exec(['systemctl', 'is-active', unit])).stdout, 'inactive');
  assert.is((await init(sandbox, '--uninstall', '--config', config)).code, 0);
});

test('each shell finds its completions, man its pages, and systemd-tmpfiles its rule', async (t) => {
  requireDebian({ zsh: '/usr/bin/zsh', fish: '/usr/bin/fish', 'man-db': '/usr/bin/man' });
  const { sandbox, config, app } = await siteWith(t);
  assert.is((await init(sandbox, '--install', '--config', config)).code, 0);
  t.cleanup(() => init(sandbox, '--uninstall', '--config', config));
  const bash = 'source /usr/share/bash-completion/bash_completion; complete -p safe-deploy';
  const hasBash = (await sandbox.exec(['test', '-e', '/usr/share/bash-completion/bash_completion'])).code === 0;
  const sourced = hasBash ? bash : 'source /etc/bash_completion.d/cutover; complete -p safe-deploy';
  assert.match(await sandbox.run('bash', '-c', sourced), '_cutover safe-deploy');
  const zsh = 'autoload -U compinit; compinit -u -D; print $_comps[safe-deploy]';
  assert.is(await sandbox.run('zsh', '-fc', zsh), '_cutover');
  // fish looks for completions of what can be started.
  const there = 'mkdir -p /srv/bin && ln -sf /bin/true /srv/bin/safe-deploy && ln -sf /bin/true /srv/bin/cutover';
  await sandbox.run('sh', '-c', there);
  const fish = `complete -C 'safe-deploy --' >/dev/null; functions -q __cutover_complete; and echo known`;
  assert.is(await sandbox.run('env', 'PATH=/usr/bin:/bin:/srv/bin', 'fish', '-c', fish), 'known');
  // /usr/local/man is a link to the folder in share.
  assert.match(await sandbox.run('man', '-w', 'cutover'), /^\/usr\/local\/(share\/)?man\/man1\/cutover\.1$/);
  assert.match(await sandbox.run('man', '-w', 'cutover.toml'), /^\/usr\/local\/(share\/)?man\/man5\/cutover\.toml\.5$/);
  const rule = `/etc/tmpfiles.d/cutover-${app}.conf`;
  assert.match(await textOf(sandbox, rule), `\ne /var/log/cutover/${app} - - - m:180d\n`);
  await sandbox.run('systemd-tmpfiles', '--clean', rule);
});

test("under the user's manager: what looks after it and what receives run, and all of it goes again", async (t) => {
  const user = await plainUser();
  const site = await makeSite(t, { builds: [{}, {}], user });
  const { sandbox, config, app } = site;
  await appendFile(sandbox.hostPath(config), '\n[targets.production.monitor]\nevery = "1s"\n');
  const secretFile = `${user.home}/webhook.secret`;
  const lines = ['[serve]', `listen = "127.0.0.1:${port}"`, `secret_file = "${secretFile}"`];
  await appendFile(sandbox.hostPath(config), `${lines.join('\n')}\n`);
  await user.sandbox.run('sh', '-c', `umask 077; echo a-secret-that-is-long-enough > ${secretFile}`);
  await user.own();
  const look = `find .config .local/share -printf '%p %y %m %l\\n' | sort`;
  const tree = (): Promise<string> => user.sandbox.run('sh', '-c', `cd ${user.home}; mkdir -p .local/share; ${look}`);
  const before = await tree();
  const called = await init(user.sandbox, '--install', '--config', config);
  assert.is(called.code, 0, called.stderr);
  assert.ok(unitsIn(called.document).includes('written cutover-serve.service'));
  for (const unit of serveUnits) assert.is(await user.sandbox.run('systemctl', 'is-active', unit), 'active', unit);
  const monitor = `cutover-monitor@${app}-production.service`;
  const result = ['systemctl', 'show', '--property=Result,ExecMainStatus,InvocationID', monitor] as const;
  await until('a pass was made', async () => /InvocationID=\w/.test(await user.sandbox.run(...result)), 30_000);
  await until(
    'it was content',
    async () => /Result=success\nExecMainStatus=0/.test(await user.sandbox.run(...result)),
    30_000,
  );
  assert.is((await push(site)).outcome, 'deployed');
  assert.equal(statusesIn((await init(user.sandbox, '--install', '--config', config)).document), ['unchanged']);
  const gone = await init(user.sandbox, '--uninstall', '--config', config);
  assert.is(gone.code, 0, gone.stderr);
  assert.is(await tree(), before);
});
