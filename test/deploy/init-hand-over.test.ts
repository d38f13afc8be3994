// needs: sandbox
// deadline: 10min
import { readFile, writeFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { suite, type TestContext } from '../suite.ts';
import { clearAfter, init, refused, snapshot } from './initiating.ts';
import { assertOwned, plainUser, polkitReads } from './plain-user.ts';
import { held, startDeploy, untilBegun } from './running.ts';
import { buildId, type Called, calledFrom, executable, makeSite, type Site, type SiteOptions } from './site.ts';
import { assertSound } from './sound.ts';

const test = suite('deploy/init hands over and takes back', { timeoutMs: 120_000 });
const [first, second] = [buildId(1), buildId(2)];
const shared = '/var/log/cutover';
const backups = '/var/backups/cutover';

/** Two apps of one machine keep their logs in one directory, as they do by default. */
async function siteWith(t: TestContext, options: SiteOptions): Promise<Site> {
  const site = await makeSite(t, options);
  const { sandbox, config, logs } = site;
  clearAfter(t, sandbox);
  // What the first deploy left there is another app's to the next one.
  await sandbox.run('rm', '-rf', logs);
  const text = await readFile(sandbox.hostPath(config), 'utf8');
  await writeFile(sandbox.hostPath(config), text.replace(/^logs = .*\n/m, ''));
  const afresh = `mkdir -p ${shared} && find ${shared} -mindepth 1 -delete && chown root: ${shared}`;
  t.cleanup(() => sandbox.run('sh', '-c', `${afresh} && chmod 700 /var/lib/cutover ${shared}`));
  return site;
}

function isCommand(note: string): boolean {
  return note.startsWith('what a deploy writes has to belong to ');
}

/** Has a user deploy this, and types what is said to be left to do. @returns what else is said */
async function handOver({ sandbox, config }: Site, user: string): Promise<string[]> {
  const { code, document, stderr } = await init(sandbox, '--install', '--deploy-user', user, '--config', config);
  assert.is(code, 0, stderr);
  for (const note of document.notes.filter(isCommand))
    await sandbox.run('sh', '-ec', note.replace(/^.* belong to \w+: /, ''));
  await polkitReads(sandbox);
  return document.notes.filter((note) => !isCommand(note));
}

async function deployAs(user: string, { sandbox, config }: Site, build: string): Promise<Called> {
  const as = ['setpriv', `--reuid=${user}`, `--regid=${user}`, '--init-groups', '--'] as const;
  const words = ['deploy', 'production', build, '--json', '--config', config];
  return calledFrom(
    await sandbox.exec([...as, process.execPath, executable('cutover'), ...words], { timeoutMs: 60_000 }),
  );
}

test('S1: a second deploying user does not take from the first what both need', async (t) => {
  const { name } = await plainUser();
  const [one, other] = [await siteWith(t, { builds: [{}, {}] }), await siteWith(t, { builds: [{}, {}] })];
  const { sandbox } = one;
  await handOver(one, name);
  const [line = '', ...more] = (await handOver(other, 'daemon')).filter((note) => note.includes(shared));
  const own = `${shared}-${other.app}`;
  t.cleanup(() => sandbox.run('rm', '-rf', own));
  assert.is(line, `${shared} belongs to ${name}, who needs it; so in ${other.config}: logs = "${own}"`);
  assert.equal(more, []);
  const text = await readFile(sandbox.hostPath(other.config), 'utf8');
  await writeFile(sandbox.hostPath(other.config), `${line.replace(/^.*: (?=logs)/, '')}\n${text}`);
  assert.not.match((await handOver(other, 'daemon')).join(), shared);
  for (const [user, site] of [
    [name, one],
    ['daemon', other],
  ] as const) {
    const { code, stderr } = await deployAs(user, site, second);
    assert.is(code, 0, stderr);
    assert.not.match(stderr, /no log is kept|were not removed/);
    await assertSound(site, second);
  }
});

test('S8: a directory of root that another app writes in too is not handed over', async (t) => {
  const { name } = await plainUser();
  const site = await siteWith(t, {
    isDeployed: false,
    keys: ['database = { kind = "sqlite", path = "/srv/shop.db" }'],
  });
  const { sandbox, config, app, unit } = site;
  const install = ['--install', '--dry-run', '--deploy-user', name, '--config', config];
  const time = '20260203-151116';
  const write = (...paths: string[]) =>
    sandbox.run('sh', '-ec', 'for path; do install -D -m 600 /dev/null "$path"; done', 'sh', ...paths);
  t.cleanup(() => sandbox.run('rm', '-rf', backups, `${backups}-${app}`, `${shared}-${app}`));
  await write(`${backups}/${app}@production-${time}-4f2a.sqlite.gz`, `${shared}/deployment-${unit}-${time}.log`);
  const alone = (await init(sandbox, ...install)).document.notes.join('\n');
  for (const path of [shared, backups]) assert.match(alone, new RegExp(`chown -R ${name}: ${path}( |$)`, 'm'));
  const [dump, log] = [`billing@production-${time}-4f2a.dump`, `deployment-billing.service-${time}.log`];
  await write(`${backups}/${dump}`, `${shared}/${log}`);
  const lines = (await handOver(site, name)).filter((note) => note.includes(shared) || note.includes(backups));
  assert.equal(lines, [
    `${shared} also holds "${log}", which is not of ${app}; so in ${config}: logs = "${shared}-${app}"`,
    `${backups} also holds "${dump}", which is not of ${app}; so in ${config}: targets.production.database.backups = "${backups}-${app}"`,
  ]);
  const owners = await sandbox.run('find', shared, backups, '-user', name);
  assert.is(owners, '', 'handed over');
  const own = await sandbox.run('stat', '--format=%U %a', `${shared}-${app}`, `${backups}-${app}`);
  assert.equal(own.split('\n'), [`${name} 700`, `${name} 700`]);
});

test('S8: a target that another configuration has, with another unit, is not taken over', async (t) => {
  const site = await siteWith(t, { builds: [{}] });
  const { sandbox, config, app, unit } = site;
  const copy = config.replace('.toml', '-copy.toml');
  t.cleanup(() => sandbox.run('rm', '-f', copy));
  const install = (file: string) => init(sandbox, '--install', '--config', file);
  assert.is((await install(config)).code, 0);
  const text = await readFile(sandbox.hostPath(config), 'utf8');
  await writeFile(sandbox.hostPath(copy), text.replaceAll(unit, 'systemd-journald.service'));
  const before = await snapshot(sandbox, '/etc');
  for (const more of [[], ['--dry-run'], ['--force']]) {
    const said = await refused(sandbox, '--install', '--config', copy, ...more);
    assert.equal([said.code, said.kind], [1, 'refused']);
    assert.match(said.message, `${config} has a target of that name of ${app} too`);
    assert.match(said.mend, `cutover init --uninstall --config ${config}`);
  }
  assert.is(await snapshot(sandbox, '/etc'), before);
  // One that says the same is as good as the other; and what is gone is in nobody's way.
  await writeFile(sandbox.hostPath(copy), text);
  assert.is((await install(copy)).code, 0);
  await sandbox.run('rm', config);
  await writeFile(sandbox.hostPath(copy), text.replaceAll(unit, 'systemd-journald.service'));
  assert.is((await install(copy)).code, 0);
  await writeFile(sandbox.hostPath(config), text);
});

test('S8: what a run needs is not taken away in the middle of it', async (t) => {
  const { name } = await plainUser();
  const site = await siteWith(t, held);
  const { sandbox, config } = site;
  await handOver(site, name);
  const run = await startDeploy(site);
  await untilBegun(site, 'start');
  const before = await snapshot(sandbox, '/etc');
  const said = await refused(sandbox, '--uninstall', '--config', config);
  assert.equal([said.code, said.kind], [75, 'locked']);
  assert.match(said.message, /^another run holds the target: deploy of .*; nothing was changed$/);
  assert.match(said.mend, /^cutover status.*; once that run has ended, the same command again$/);
  assert.is(await snapshot(sandbox, '/etc'), before);
  const { code, stderr } = await run.end();
  assert.is(code, 0, stderr);
  const gone = await init(sandbox, '--uninstall', '--config', config);
  assert.is(gone.code, 0, gone.stderr);
  const note = gone.document.notes.find((one) => one.includes('chown')) ?? '';
  assert.match(note, `${name} may not deploy ${site.app} any more, and still owns what deploys wrote: chown -R root: `);
  await sandbox.run('sh', '-ec', note.replace(/^.*wrote: /, ''));
  const back = await site.call('rollback');
  assert.equal([back.code, back.document.active], [0, first], back.stderr);
  await assertOwned({ ...site, logs: shared }, 'root');
});
