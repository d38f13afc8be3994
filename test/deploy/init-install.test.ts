// needs: sandbox
// deadline: 10min
import { existsSync } from 'node:fs';
import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import type { InitReport } from '../../lib/deployer/init/report.ts';
import { repository } from '../sandboxed.ts';
import { suite, type TestContext } from '../suite.ts';
import { installBootUnit } from './boot.ts';
import {
  clearAfter,
  init,
  recordFile,
  refused,
  snapshot,
  statusesIn,
  textOf,
  unitDirectory,
  unitsIn,
} from './initiating.ts';
import { plainUser } from './plain-user.ts';
import { startDeploy, untilBegun, untilSettled } from './running.ts';
import { buildId, calledFrom, executable, makeSite, type Site, type SiteOptions, until } from './site.ts';
import { assertSound, whoServes } from './sound.ts';

const test = suite('deploy/init --install', { timeoutMs: 120_000 });
const first = buildId(1);
const shipped = 'cutover-settle@.service';
const template = `${unitDirectory}/${shipped}`;
/** Each start leaves this in its build: the journal of a user does not know whose the words of so short a process are. */
const mark = 'started-here';
const neverListens: SiteOptions = {
  builds: [{}, { mode: 'never_listen' }],
  service: [`ExecStartPre=/bin/touch ${mark}`],
};

async function siteWith(t: TestContext, options: SiteOptions = {}): Promise<Site> {
  const site = await makeSite(t, options);
  clearAfter(t, site.sandbox);
  return site;
}

function dropInOf(instance: string): string {
  return `${unitDirectory}/${instance}.d/50-cutover.conf`;
}

test('the template, a drop-in that orders it before the unit, and an instance that is enabled', async (t) => {
  const site = await siteWith(t);
  const { sandbox, config, app, unit } = site;
  const { code, document, stderr } = await init(sandbox, '--install', '--config', config);
  const instance = `cutover-settle@${app}-production.service`;
  const { files, ...rest } = document;
  const units = [{ unit: instance, status: 'enabled' }];
  const again = `cutover init --install --config ${config}`;
  const notes = [
    `nothing is looked after between deploys; for a timer that does, write [targets.production.monitor] into ${config}, then again: ${again}`,
  ];
  assert.equal(
    [code, rest],
    [0, { target: 'production', units, notes, next: [`cutover status --config ${config}`] }],
    stderr,
  );
  assert.equal(
    files.slice(0, 2),
    [template, dropInOf(instance)].map((path) => ({ path, status: 'written', mode: '0644' })),
  );
  for (const path of [template, dropInOf(instance)])
    assert.is((await stat(sandbox.hostPath(path))).mode & 0o7777, 0o644, path);
  const command = `ExecStart=${process.execPath} ${executable('cutover')} settle --boot --wait=30min --state-directory %S/cutover/%I`;
  assert.match(await textOf(sandbox, template), `\n${command}\n`);
  assert.match(await textOf(sandbox, dropInOf(instance)), `[Unit]\nBefore=${unit}\nRequiresMountsFor=${site.builds}\n`);
  const show = ['systemctl', 'show', '--property=LoadState,NeedDaemonReload,UnitFileState', instance] as const;
  assert.is(await sandbox.run(...show), 'LoadState=loaded\nUnitFileState=enabled\nNeedDaemonReload=no');
  assert.match(await sandbox.run('systemctl', 'show', '--property=Before', '--value', instance), unit);
  await writeFile(sandbox.hostPath(config), `${await textOf(sandbox, config)}\n[targets.production.monitor]\n`);
  const watched = await init(sandbox, '--install', '--config', config);
  assert.equal([watched.code, watched.document.notes], [0, []], watched.stderr);
  assert.is(await sandbox.run('systemctl', 'is-active', `cutover-monitor@${app}-production.timer`), 'active');
  const verify = ['systemd-analyze', 'verify', '--man=no', '--recursive-errors=no', instance] as const;
  const verified = await sandbox.exec(verify);
  assert.equal([verified.code, verified.stdout, verified.stderr], [0, '', '']);
});

test('again: nothing is written or enabled; what was taken away meanwhile comes back', async (t) => {
  const site = await siteWith(t);
  const { sandbox, config } = site;
  const instance = await installBootUnit(site);
  const places = ['/etc', '/usr/local/share', recordFile] as const;
  const before = await snapshot(sandbox, ...places);
  const again = async (): Promise<InitReport> => {
    const { code, document, stderr } = await init(sandbox, '--install', '--config', config);
    assert.is(code, 0, stderr);
    return document;
  };
  assert.equal(statusesIn(await again()), ['unchanged']);
  assert.is(await snapshot(sandbox, ...places), before);
  await sandbox.run('systemctl', 'disable', instance);
  assert.equal(statusesIn(await again()), ['enabled', 'unchanged']);
  await sandbox.run('rm', dropInOf(instance));
  assert.equal(unitsIn(await again()), [`unchanged ${shipped}`, `written ${instance}.d/50-cutover.conf`]);
  const isStale = ['systemctl', 'show', '--property=NeedDaemonReload', '--value', instance] as const;
  assert.is(await sandbox.run(...isStale), 'no');
});

test('cut off before systemd read the files: the next call has it read them', async (t) => {
  const site = await siteWith(t);
  const instance = await installBootUnit(site);
  const { sandbox, config, unit } = site;
  const path = dropInOf(instance);
  const text = await textOf(sandbox, path);
  await sandbox.run('rm', path);
  await sandbox.run('systemctl', 'daemon-reload');
  const ordering = ['systemctl', 'show', '--property=Before', '--value', instance] as const;
  assert.not.match(await sandbox.run(...ordering), unit);
  await writeFile(sandbox.hostPath(path), text);
  const { document } = await init(sandbox, '--install', '--config', config);
  assert.equal(statusesIn(document), ['unchanged']);
  assert.match(await sandbox.run(...ordering), unit);
});

test('cutover has moved: its own files are written anew', async (t) => {
  const site = await siteWith(t);
  const instance = await installBootUnit(site);
  const { sandbox, config } = site;
  const copy = '/srv/moved/cutover';
  t.cleanup(() => sandbox.run('rm', '-rf', '/srv/moved'));
  await sandbox.run('mkdir', '-p', copy);
  await sandbox.run('cp', '-r', ...['bin', 'dist', 'package.json'].map((name) => `${repository}/${name}`), copy);
  const moved = await sandbox.exec([
    process.execPath,
    `${copy}/bin/cutover.js`,
    'init',
    '--install',
    '--config',
    config,
    '--json',
  ]);
  const { document } = calledFrom<InitReport>(moved);
  assert.equal(unitsIn(document), [`written ${shipped}`, `unchanged ${instance}.d/50-cutover.conf`]);
  assert.match(await textOf(sandbox, template), `ExecStart=${process.execPath} ${copy}/bin/cutover.js settle`);
  const stale = ['systemctl', 'show', '--property=NeedDaemonReload', '--value', instance] as const;
  assert.is(await sandbox.run(...stale), 'no');
});

test('what somebody has changed stays, is told, and is put aside before it is replaced by force', async (t) => {
  const site = await siteWith(t);
  const instance = await installBootUnit(site);
  const { sandbox, config } = site;
  const [text, page] = [await textOf(sandbox, dropInOf(instance)), '/usr/local/share/man/man1/cutover.1'];
  const changed = `${text}After=network.target\n`;
  await writeFile(sandbox.hostPath(dropInOf(instance)), changed);
  await writeFile(sandbox.hostPath(page), 'my own page\n');
  const { code, document } = await init(sandbox, '--install', '--config', config);
  const kept = document.files.filter(({ status }) => status === 'kept');
  assert.equal([code, kept.map(({ path }) => path)], [0, [dropInOf(instance), page]]);
  assert.is(kept[0]?.content, text);
  assert.match(document.notes[0] ?? '', 'was changed since it was written, and stays; to have it replaced');
  assert.is(await textOf(sandbox, dropInOf(instance)), changed);
  const inWords = await sandbox.cutover(['init', '--install', '--config', config]);
  assert.match(inWords.stdout, `kept ${dropInOf(instance)} (mode 0644)\n  what cutover would write there:\n  | #`);
  await sandbox.run('chmod', '600', dropInOf(instance));
  const forced = await init(sandbox, '--install', '--force', '--config', config);
  assert.match(forced.document.notes.join(), `what was changed there is kept in ${dropInOf(instance)}.bak`);
  assert.is(await textOf(sandbox, dropInOf(instance)), text);
  assert.is(await textOf(sandbox, `${dropInOf(instance)}.bak`), changed);
  assert.is(await sandbox.run('stat', '--format=%a', `${dropInOf(instance)}.bak`), '600');
  assert.equal(statusesIn((await init(sandbox, '--install', '--config', config)).document), ['unchanged']);
});

test("somebody's own unit of that name, and a masked one, are left alone", async (t) => {
  const { sandbox, config } = await siteWith(t);
  await writeFile(sandbox.hostPath(template), '[Service]\nExecStart=/bin/true\n');
  const foreign = await refused(sandbox, '--install', '--config', config);
  assert.equal([foreign.code, foreign.kind], [1, 'refused']);
  assert.match(foreign.mend, `mv ${template} ${template}.saved`);
  assert.is(await textOf(sandbox, template), '[Service]\nExecStart=/bin/true\n');
  assert.is((await sandbox.exec(['test', '-e', recordFile])).code, 1, 'something was written');
  await sandbox.run('ln', '-sf', '/dev/null', template);
  const masked = await refused(sandbox, '--install', '--config', config);
  assert.equal([masked.code, masked.kind, masked.mend], [1, 'unit_masked', 'systemctl unmask cutover-settle@.service']);
  // As it was shipped, copied there by hand: that is no change of somebody's. A rule for logs that is masked is their choice.
  await sandbox.run('rm', template);
  await sandbox.run('cp', `${repository}/units/cutover-settle@.service`, template);
  const rule = '/etc/tmpfiles.d/cutover.conf';
  await writeFile(
    sandbox.hostPath(config),
    `logs = "/var/log/cutover"\n${(await textOf(sandbox, config)).replace(/^logs.*\n/m, '')}`,
  );
  await sandbox.run('ln', '-s', '/dev/null', rule);
  const called = await init(sandbox, '--install', '--config', config);
  assert.is(called.code, 0, called.stderr);
  assert.equal(called.document.files.find(({ path }) => path === rule)?.status, 'kept');
  assert.match(called.document.notes.join(), `${rule} is somebody else's, and stays`);
});

test('every target of the configuration, and names that systemd has to escape', async (t) => {
  const { sandbox } = await siteWith(t);
  const config = '/etc/cutover/cutover.toml';
  await mkdir(sandbox.hostPath('/etc/cutover'));
  const targets = ['production', 'blue-1.2'].map(
    (name) => `[targets."${name}"]\nunit = "${name}.service"\nbuilds = "/srv/x/${name}"\n`,
  );
  await writeFile(sandbox.hostPath(config), `app = "my-shop"\n${targets.join('')}`);
  const { code, document, stderr } = await init(sandbox, '--install');
  assert.is(code, 0, stderr);
  const [a, b] = [String.raw`my\x2dshop-production`, String.raw`my\x2dshop-blue\x2d1.2`];
  assert.equal(
    document.units.map(({ unit }) => unit),
    [a, b].map((name) => `cutover-settle@${name}.service`),
  );
  assert.equal([document.target, document.next], [null, ['cutover status']]);
  for (const { unit } of document.units) {
    const start = await sandbox.run('systemctl', 'show', '--property=ExecStart', '--value', unit);
    const name = unit.includes('blue') ? 'blue-1.2' : 'production';
    assert.match(start, `--state-directory /var/lib/cutover/my-shop/${name} `);
    assert.match(await sandbox.run('systemctl', 'show', '--property=Before', '--value', unit), `${name}.service`);
  }
});

test('with a unit: the configuration and the boot unit in one', async (t) => {
  const site = await siteWith(t, { builds: [{}, {}] });
  const { sandbox, unit, app } = site;
  const called = await init(sandbox, unit, '--install');
  assert.is(called.code, 0, called.stderr);
  assert.is(called.document.files[0]?.path, '/etc/cutover/cutover.toml');
  assert.equal(statusesIn(called.document), ['enabled', 'written']);
  assert.equal(called.document.units, [{ unit: `cutover-settle@${app}-production.service`, status: 'enabled' }]);
  assert.equal(called.document.next, ['cutover check production', 'cutover deploy production']);
  const inWords = await sandbox.cutover(['init', unit, '--install']);
  assert.match(inWords.stdout, `unchanged cutover-settle@${app}-production.service\n`);
});

test('S8: the state lies in a place of its own: the machine comes up on the proven build', async (t) => {
  const site = await siteWith(t, neverListens);
  const { sandbox, app } = site;
  const place = `/srv/${app}/my state 50% "x"`;
  const [text, old] = [await textOf(sandbox, site.config), site.state];
  await writeFile(sandbox.hostPath(site.config), `state = ${JSON.stringify(place)}\n${text}`);
  const moved: Site = { ...site, state: `${place}/${app}/production` };
  // What was proven is known from the ledgers.
  await sandbox.run('mkdir', '-p', `${place}/${app}`);
  await sandbox.run('mv', old, moved.state);
  await powerCutInRun(moved);
});

test("S8: under the user's manager: it comes up with the machine on the proven build", async (t) => {
  const user = await plainUser();
  const site = await makeSite(t, { ...neverListens, user });
  const own = `${user.home}/.config/systemd/user`;
  t.cleanup(() => user.sandbox.cutover(['init', '--uninstall', '--user']));
  const called = await init(user.sandbox, '--install', '--config', site.config);
  assert.is(called.code, 0, called.stderr);
  assert.not.match(called.document.notes.join(), 'linger');
  assert.ok(called.document.files.every(({ path }) => path.startsWith(`${user.home}/`)));
  assert.ok(called.document.files.some(({ path }) => path.startsWith(`${own}/cutover-settle@`)));
  await user.sandbox.run('systemctl', 'enable', site.unit);
  await startDeploy(site);
  await rebootInStart(site);
  await until(
    'his manager is up',
    async () => (await site.sandbox.exec(['test', '-S', `/run/user/${user.uid}/bus`])).code === 0,
  );
  await untilSettled(site);
  await assertProven(site);
});

test('a user whose manager ends with the session is told', async (t) => {
  const user = await plainUser();
  const site = await makeSite(t, { user });
  t.cleanup(() => user.sandbox.cutover(['init', '--uninstall', '--user']));
  const mark = site.sandbox.hostPath(`/var/lib/systemd/linger/${user.name}`);
  await rm(mark);
  t.cleanup(() => writeFile(mark, ''));
  const { document } = await init(user.sandbox, '--install', '--config', site.config);
  assert.match(document.notes.join(), `loginctl enable-linger ${user.name}`);
});

/** The power goes while a build is tried; the machine comes back. */
async function powerCutInRun(site: Site): Promise<void> {
  await installBootUnit(site);
  await startDeploy(site);
  await rebootInStart(site);
  await untilSettled(site);
  await assertProven(site);
}

async function rebootInStart(site: Site): Promise<void> {
  await untilBegun(site, 'start');
  await until('it is being started', async () => (await startedIn(site)).length === 2);
  await site.sandbox.powerCut();
  for (const build of await startedIn(site)) await rm(site.sandbox.hostPath(`${site.builds}/${build}/${mark}`));
  await site.sandbox.reboot();
}

/** The builds that the unit was started in. */
async function startedIn({ sandbox, builds }: Site): Promise<string[]> {
  const ids = (await readdir(sandbox.hostPath(builds))).filter((name) => name.startsWith('dist.'));
  return ids.filter((id) => existsSync(sandbox.hostPath(`${builds}/${id}/${mark}`)));
}

/** Only the proven build was started since the boot, and it serves. */
async function assertProven(site: Site): Promise<void> {
  // The unit comes up behind what settles.
  await until('it serves', async () => (await whoServes(site))?.build === first);
  assert.equal(await startedIn(site), [first], 'the build that was tried was started at boot');
  await assertSound(site, first);
}
