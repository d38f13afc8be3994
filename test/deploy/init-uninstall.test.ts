// needs: sandbox
// deadline: 10min
import { writeFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import * as assert from 'uvu/assert';
import type { InitReport } from '../../lib/deployer/init/report.ts';
import type { TestSandbox } from '../sandboxed.ts';
import { suite, type TestContext } from '../suite.ts';
import { clearAfter, init, recordFile, refused, snapshot, statusesIn, textOf, unitDirectory } from './initiating.ts';
import { type Called, makeSite, type Site, type SiteOptions, until } from './site.ts';
import { assertSound, whoServes } from './sound.ts';

const test = suite('deploy/init --uninstall', { timeoutMs: 120_000 });
const places = ['/etc', '/usr/local/share', '/var/lib/cutover', '/var/log/cutover'] as const;

async function siteWith(t: TestContext, options: SiteOptions = {}): Promise<Site> {
  const site = await makeSite(t, options);
  clearAfter(t, site.sandbox);
  return site;
}

/** A site that is looked after every minute. */
async function watchedSite(t: TestContext): Promise<Site> {
  const site = await siteWith(t);
  await addLines(site, '[targets.production.monitor]\nevery = "1h"\n');
  return site;
}

async function addLines({ sandbox, config }: Site, lines: string): Promise<void> {
  await writeFile(sandbox.hostPath(config), `${await textOf(sandbox, config)}\n${lines}`);
}

/** Files and links with their kind and mode; times of folders change with what comes and goes in them. */
function tree(sandbox: TestSandbox): Promise<string> {
  const look = `find "$@" -printf "%p %y %m %l\\n" 2>/dev/null | grep -v '/monitor\\.json' | sort`;
  return sandbox.run('sh', '-c', look, 'sh', ...places);
}

function installed({ sandbox, config }: Site, ...words: string[]): Promise<Called<InitReport>> {
  return init(sandbox, '--install', '--config', config, ...words);
}

function takenBack({ sandbox, config }: Site, ...words: string[]): Promise<Called<InitReport>> {
  return init(sandbox, '--uninstall', '--config', config, ...words);
}

test('what was there before is there after, and the service serves all the time', async (t) => {
  const site = await watchedSite(t);
  const { sandbox, app } = site;
  const before = await tree(sandbox);
  const served = await whoServes(site);
  const called = await installed(site, '--deploy-user', 'daemon');
  assert.is(called.code, 0, called.stderr);
  const timer = `cutover-monitor@${app}-production.timer`;
  assert.is(await sandbox.run('systemctl', 'is-active', timer), 'active');
  assert.is(await sandbox.run('systemctl', 'is-enabled', timer), 'enabled');
  const gone = await takenBack(site);
  assert.equal([gone.code, statusesIn(gone.document)], [0, ['disabled', 'removed']], gone.stderr);
  assert.equal(
    gone.document.files.map(({ path }) => path).toSorted(),
    called.document.files.map(({ path }) => path).toSorted(),
  );
  assert.is(await tree(sandbox), before);
  const left = await sandbox.exec(['systemctl', 'list-units', '--all', '--plain', '--no-legend', 'cutover*']);
  assert.is(left.stdout, '');
  assert.equal(await whoServes(site), served);
  await assertSound(site, served?.build ?? null);
  const again = await takenBack(site);
  assert.equal([again.code, again.document.files, again.document.units], [0, [], []], again.stderr);
  assert.match(again.document.notes.join(), 'nothing is installed');
});

test('a dry run of both tells the same, and changes nothing', async (t) => {
  const site = await watchedSite(t);
  const { sandbox } = site;
  const before = await snapshot(sandbox, ...places);
  const dry = await installed(site, '--dry-run', '--group', 'daemon');
  assert.equal(statusesIn(dry.document), ['would enable', 'would write']);
  assert.is(await snapshot(sandbox, ...places), before);
  const done = await installed(site, '--group', 'daemon');
  for (const { path, content } of dry.document.files) assert.is(await textOf(sandbox, path), content, path);
  const present = await snapshot(sandbox, '/etc', '/usr/local/share', recordFile);
  const wouldGo = await takenBack(site, '--dry-run');
  assert.equal(statusesIn(wouldGo.document), ['would disable', 'would remove']);
  assert.is(wouldGo.document.files.length, done.document.files.length);
  assert.is(await snapshot(sandbox, '/etc', '/usr/local/share', recordFile), present);
  assert.is((await takenBack(site)).code, 0);
});

test('what somebody has changed stays, and is named; what he put beside it stays, too', async (t) => {
  const site = await siteWith(t);
  const { sandbox, app } = site;
  await installed(site);
  const dropIn = `${unitDirectory}/cutover-settle@${app}-production.service.d/50-cutover.conf`;
  const own = dropIn.replace('50-cutover', 'own');
  await writeFile(sandbox.hostPath(dropIn), '[Unit]\n');
  await writeFile(sandbox.hostPath(own), '[Unit]\n');
  const { code, document } = await takenBack(site);
  assert.is(code, 0);
  assert.equal(
    document.files.filter(({ status }) => status === 'kept').map(({ path }) => path),
    [dropIn],
  );
  assert.match(
    document.notes.join(),
    `${dropIn} stays: it was changed since it was written; to remove it: rm ${dropIn}`,
  );
  assert.is(await textOf(sandbox, own), '[Unit]\n');
  assert.is((await sandbox.exec(['test', '-e', recordFile])).code, 1);
});

test('two configurations share what both need, until the last is taken back', async (t) => {
  const one = await siteWith(t);
  const { sandbox } = one;
  const before = await tree(sandbox);
  const other = await siteWith(t);
  await installed(one);
  await installed(other);
  const unnamed = await refused(sandbox, '--uninstall');
  assert.equal([unnamed.code, unnamed.mend.includes(`--config ${one.config}`)], [64, true]);
  const gone = await takenBack(one);
  const template = `${unitDirectory}/cutover-settle@.service`;
  assert.match(gone.document.notes.join(), `${template} stays: ${other.config} needs it`);
  assert.equal(statusesIn((await installed(other)).document), ['unchanged']);
  // A configuration that is gone needs nothing any more, and what was installed for it goes all the same.
  await installed(one);
  await sandbox.run('rm', one.config);
  assert.is((await takenBack(other)).code, 0);
  assert.is((await takenBack(one)).code, 0);
  await other.sandbox.run('rm', '-rf', other.config);
  const after = await tree(sandbox);
  const strange = after.split('\n').filter((line) => !before.includes(line) && !line.includes(other.app));
  assert.equal(strange, []);
});

test('what a configuration needs no more goes with the next call', async (t) => {
  const site = await watchedSite(t);
  const { sandbox, app, config } = site;
  await installed(site);
  const text = await textOf(sandbox, config);
  await writeFile(sandbox.hostPath(config), text.replace(/\[targets\.production\.monitor\]\n.*\n/, ''));
  const { code, document, stderr } = await installed(site);
  assert.is(code, 0, stderr);
  const timer = `cutover-monitor@${app}-production.timer`;
  assert.equal(
    document.units.filter(({ status }) => status !== 'unchanged'),
    [{ unit: timer, status: 'disabled' }],
  );
  const removed = document.files.filter(({ status }) => status === 'removed').map(({ path }) => path.slice(20));
  assert.equal(removed, [
    'cutover-monitor@.service',
    'cutover-monitor@.timer',
    `cutover-monitor@${app}-production.service.d/50-cutover.conf`,
  ]);
  assert.is((await sandbox.exec(['systemctl', 'is-active', timer])).stdout, 'inactive');
  assert.equal(statusesIn((await installed(site)).document), ['unchanged']);
});

test('S10: a target with [monitor] is looked after by its own configuration, as often as it says', async (t) => {
  const site = await siteWith(t);
  const { sandbox, app, config } = site;
  await addLines(site, '[targets.production.monitor]\nevery = "2s"\n');
  assert.is((await installed(site)).code, 0);
  const unit = `cutover-monitor@${app}-production`;
  assert.match(await sandbox.run('systemctl', 'show', '--property=Environment', `${unit}.service`), config);
  const passes = async (): Promise<number> => {
    const lines = await sandbox.run('journalctl', '--unit', `${unit}.service`, '--output=cat', '--no-pager');
    return lines.split('\n').filter((line) => line.includes('Started')).length;
  };
  await until('two passes are made', async () => (await passes()) >= 2, 60_000);
  const result = ['systemctl', 'show', '--property=Result', '--value', `${unit}.service`] as const;
  assert.is(await sandbox.run(...result), 'success');
  assert.is((await takenBack(site)).code, 0);
  assert.is((await sandbox.exec(['systemctl', 'is-active', `${unit}.timer`])).stdout, 'inactive');
});

test('the rule for a deploying user stays with later calls, and is for one whom the machine knows', async (t) => {
  const site = await siteWith(t);
  const { sandbox, app } = site;
  const rule = `/etc/polkit-1/rules.d/50-cutover-${app}.rules`;
  await installed(site, '--deploy-user', 'daemon');
  assert.match(await textOf(sandbox, rule), 'subject.user === "daemon"');
  assert.equal(statusesIn((await installed(site)).document), ['unchanged']);
  await installed(site, '--group', 'adm');
  assert.match(await textOf(sandbox, rule), 'subject.isInGroup("adm")');
  const config = ['--config', site.config];
  for (const words of [
    ['--install', '--deploy-user', 'nobody-knows-me', ...config],
    ['--install', '--group', 'nobody-knows-us', ...config],
    ['--install', '--deploy-user', 'daemon', '--group', 'adm', ...config],
    ['--deploy-user', 'daemon', ...config],
    ['--uninstall', '--install', ...config],
    ['--uninstall', site.unit, ...config],
  ]) {
    const { code, mend } = await refused(sandbox, ...words);
    assert.equal([code, mend.length > 5], [64, true], words.join(' '));
  }
});

test('what was there before with the same text is not taken back, nor what was put in the place of ours', async (t) => {
  const site = await siteWith(t);
  const { sandbox } = site;
  const dry = await installed(site, '--dry-run');
  const pages = dry.document.files.filter(({ path }) => path.includes('/man/'));
  const [one, other] = pages.map(({ path }) => path) as [string, string];
  const npm = '/usr/local/share/npm';
  await sandbox.run('mkdir', '-p', npm, dirname(one), dirname(other));
  for (const { path, content = '' } of pages) await writeFile(sandbox.hostPath(`${npm}/${basename(path)}`), content);
  await sandbox.run('ln', '-s', `${npm}/${basename(one)}`, one);
  const shared = () => sandbox.run('sh', '-c', 'find /usr/local/share -printf "%p %y %l\\n" | sort');
  const before = await shared();
  const called = await installed(site);
  assert.equal(called.document.files.find(({ path }) => path === one)?.status, 'unchanged', called.stderr);
  assert.is((await installed(site)).code, 0);
  assert.is((await takenBack(site)).code, 0);
  assert.is(await shared(), before);
  await installed(site);
  await sandbox.run('ln', '-sf', `${npm}/${basename(other)}`, other);
  const gone = await takenBack(site);
  assert.match(gone.document.notes.join('\n'), `${other} stays`);
  await sandbox.run('test', '-L', other);
  assert.is((await installed(site)).code, 0);
  assert.is((await takenBack(site)).code, 0);
  await sandbox.run('test', '-L', other);
});

test('a record that is lost: what bears our mark is known again', async (t) => {
  const site = await watchedSite(t);
  const { sandbox } = site;
  await installed(site);
  await sandbox.run('mv', recordFile, `${recordFile}.saved`);
  assert.equal(statusesIn((await installed(site)).document), ['unchanged']);
  const gone = await takenBack(site);
  assert.is(gone.code, 0, gone.stderr);
  // Which folders were made for them nobody knows any more.
  assert.is(await sandbox.run('find', unitDirectory, '-name', '*cutover*', '!', '-type', 'd'), '');
  await sandbox.run('rm', `${recordFile}.saved`);
});
