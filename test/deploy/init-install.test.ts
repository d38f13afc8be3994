// needs: sandbox
import { mkdir, rm, stat, writeFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { repository } from '../sandboxed.ts';
import { suite, type TestContext } from '../suite.ts';
import { installBootUnit } from './boot.ts';
import { clearAfter, init, refused, snapshot, textOf, unitDirectory } from './initiating.ts';
import { plainUser } from './plain-user.ts';
import { startDeploy, untilBegun, untilSettled } from './running.ts';
import { buildId, executable, makeSite, type Site, type SiteOptions, until } from './site.ts';
import { assertSound, whoServes } from './sound.ts';

const test = suite('deploy/init --install', { timeoutMs: 120_000 });
const first = buildId(1);
const template = `${unitDirectory}/cutover-settle@.service`;
const neverListens: SiteOptions = { builds: [{}, { mode: 'never_listen' }], service: ['ExecStartPre=/bin/pwd -P'] };

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
  assert.equal(
    [code, document],
    [
      0,
      {
        target: 'production',
        files: [template, dropInOf(instance)].map((path) => ({ path, status: 'written', mode: '0644' })),
        units: [{ unit: instance, status: 'enabled' }],
        notes: [],
        next: [`cutover status --config ${config}`],
      },
    ],
    stderr,
  );
  for (const path of [template, dropInOf(instance)])
    assert.is((await stat(sandbox.hostPath(path))).mode & 0o7777, 0o644, path);
  const command = `ExecStart=${process.execPath} ${executable('cutover')} settle --boot --wait=30min --state-directory %S/cutover/%I`;
  assert.match(await textOf(sandbox, template), `\n${command}\n`);
  assert.match(await textOf(sandbox, dropInOf(instance)), `[Unit]\nBefore=${unit}\n`);
  const show = ['systemctl', 'show', '--property=LoadState,NeedDaemonReload,UnitFileState', instance] as const;
  assert.is(await sandbox.run(...show), 'LoadState=loaded\nUnitFileState=enabled\nNeedDaemonReload=no');
  assert.match(await sandbox.run('systemctl', 'show', '--property=Before', '--value', instance), unit);
  const verify = ['systemd-analyze', 'verify', '--man=no', '--recursive-errors=no', instance] as const;
  const verified = await sandbox.exec(verify);
  assert.equal([verified.code, verified.stdout, verified.stderr], [0, '', '']);
});

test('again: nothing is written or enabled; what was taken away meanwhile comes back', async (t) => {
  const site = await siteWith(t);
  const { sandbox, config } = site;
  const instance = await installBootUnit(site);
  const before = await snapshot(sandbox, unitDirectory);
  const statuses = async (): Promise<string[]> => {
    const { code, document, stderr } = await init(sandbox, '--install', '--config', config);
    assert.is(code, 0, stderr);
    return [...document.files, ...document.units].map(({ status }) => status);
  };
  assert.equal(await statuses(), ['unchanged', 'unchanged', 'unchanged']);
  assert.is(await snapshot(sandbox, unitDirectory), before);
  await sandbox.run('systemctl', 'disable', instance);
  assert.equal(await statuses(), ['unchanged', 'unchanged', 'enabled']);
  await sandbox.run('rm', dropInOf(instance));
  assert.equal(await statuses(), ['unchanged', 'written', 'unchanged']);
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
  assert.equal(
    [...document.files, ...document.units].map(({ status }) => status),
    Array(3).fill('unchanged'),
  );
  assert.match(await sandbox.run(...ordering), unit);
});

test('cutover has moved, or is of another version: its own files are written anew', async (t) => {
  const site = await siteWith(t);
  const instance = await installBootUnit(site);
  const { sandbox, config } = site;
  const text = await textOf(sandbox, template);
  await writeFile(sandbox.hostPath(template), text.replace('ExecStart=/', 'ExecStart=/old/'));
  const { document } = await init(sandbox, '--install', '--config', config);
  assert.equal(
    document.files.map(({ status }) => status),
    ['written', 'unchanged'],
  );
  assert.is(await textOf(sandbox, template), text);
  const stale = ['systemctl', 'show', '--property=NeedDaemonReload', '--value', instance] as const;
  assert.is(await sandbox.run(...stale), 'no');
});

test("somebody's own unit of that name, and a masked one, are left alone", async (t) => {
  const { sandbox, config } = await siteWith(t);
  await writeFile(sandbox.hostPath(template), '[Service]\nExecStart=/bin/true\n');
  const foreign = await refused(sandbox, '--install', '--config', config);
  assert.equal([foreign.code, foreign.kind], [1, 'refused']);
  assert.match(foreign.mend, `mv ${template} ${template}.saved`);
  assert.is(await textOf(sandbox, template), '[Service]\nExecStart=/bin/true\n');
  await sandbox.run('ln', '-sf', '/dev/null', template);
  const masked = await refused(sandbox, '--install', '--config', config);
  assert.equal([masked.code, masked.kind, masked.mend], [1, 'unit_masked', 'systemctl unmask cutover-settle@.service']);
  // As it was shipped, copied there by hand: that is no change of somebody's.
  await sandbox.run('rm', template);
  await sandbox.run('cp', `${repository}/units/cutover-settle@.service`, template);
  assert.is((await init(sandbox, '--install', '--config', config)).code, 0);
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
  assert.equal(
    called.document.files.map(({ status }) => status),
    ['written', 'written', 'written'],
  );
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
  t.cleanup(() => user.sandbox.run('sh', '-c', `rm -rf ${own}/cutover-settle@* ${own}/*.wants/cutover-settle@*`));
  const called = await init(user.sandbox, '--install', '--config', site.config);
  assert.equal([called.code, called.document.notes], [0, []], called.stderr);
  assert.ok(called.document.files.every(({ path }) => path.startsWith(`${own}/cutover-settle@`)));
  await user.sandbox.run('systemctl', 'enable', site.unit);
  await startDeploy(site);
  await untilBegun(site, 'start');
  await site.sandbox.reboot();
  await until(
    'his manager is up',
    async () => (await site.sandbox.exec(['test', '-S', `/run/user/${user.uid}/bus`])).code === 0,
  );
  await untilSettled(site);
  await assertProven(site, ['--user-unit', site.unit]);
});

test('a user whose manager ends with the session is told', async (t) => {
  const user = await plainUser();
  const site = await makeSite(t, { user });
  const own = `${user.home}/.config/systemd/user`;
  t.cleanup(() => user.sandbox.run('sh', '-c', `rm -rf ${own}/cutover-settle@* ${own}/*.wants/cutover-settle@*`));
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
  await untilBegun(site, 'start');
  await site.sandbox.reboot();
  await untilSettled(site);
  await assertProven(site, ['--unit', site.unit]);
}

/** Only the proven build was started since the boot, and it serves. */
async function assertProven(site: Site, unit: [string, string]): Promise<void> {
  // The journal of a user is for root to read as well, and root has it from the boot on.
  const lines = await site.sandbox.run('journalctl', '--boot', ...unit, '--output=cat', '--no-pager');
  const started = [...new Set(lines.match(/(?<=^\/srv\/.*\/)dist\.[\d-]+$/gm) ?? [])];
  assert.equal(started, [first], 'the build that was tried was started at boot');
  assert.is((await whoServes(site))?.build, first);
  await assertSound(site, first);
}
