// needs: sandbox
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import * as assert from 'uvu/assert';
import type { RunDocument } from '../../lib/run/document.ts';
import type { TargetStatus } from '../../lib/deployer/status.ts';
import { sandboxFor } from '../sandboxed.ts';
import type { Behaviour } from '../services/builds.ts';
import { suite, type TestContext } from '../suite.ts';
import { init } from './initiating.ts';
import { plainUser } from './plain-user.ts';
import { held, leaveBehind, letGo, startDeploy, untilBegun, untilSettled } from './running.ts';
import {
  breakBuild,
  breakInService,
  buildId,
  calledFrom,
  executable,
  makeSite,
  type Refusal,
  type Site,
  until,
  untilNextSecond,
} from './site.ts';
import { assertSound, whoServes } from './sound.ts';

const test = suite('deploy/user manager');
const [first, second, third] = [buildId(1), buildId(2), buildId(3)];

async function userSite(t: TestContext, ...builds: Behaviour[]): Promise<Site> {
  return makeSite(t, { builds, user: await plainUser() });
}

test('S2: a good build, guarded by the own manager', async (t) => {
  const site = await userSite(t, {}, {});
  const called = await site.call('deploy');
  const { outcome, from, active, steps, downtime_ms } = called.document;
  assert.equal([called.code, outcome, from, active], [0, 'deployed', first, second], called.stderr);
  assert.equal(
    steps.map(({ name, status }) => `${name} ${status}`),
    ['stop', 'free-port', 'swap', 'start', 'gate'].map((name) => `${name} done`),
  );
  assert.ok((downtime_ms ?? 0) > 0, `downtime ${downtime_ms}`);
  assert.not.match(called.stderr, 'does not guard');
  await assertSound(site, second, called);
  const owner = ['stat', '--format=%U %a', site.state, `${site.state}/lock`] as const;
  assert.is(await site.sandbox.run(...owner), 'deployer 700\ndeployer 600');
});

test('S2: the configuration, the state and the log lie where a user keeps them', async (t) => {
  const site = await makeSite(t, { user: await plainUser(), isDeployed: false });
  const { sandbox } = site;
  const config = '/srv/deployer/.config/cutover/cutover.toml';
  await sandbox.run('cp', site.config, config);
  t.cleanup(() => sandbox.run('rm', config));
  const called = calledFrom(await sandbox.cutover(['deploy', '--json']));
  assert.equal([called.code, called.document.active], [0, first], called.stderr);
  const log = `/srv/deployer/.local/state/cutover/logs/deployment-${site.unit}-${called.document.run?.slice(0, 15)}.log`;
  assert.match(await sandbox.run('cat', log), `production serves ${first}, proven healthy`);
  assert.is(await sandbox.run('stat', '--format=%a', dirname(log), log), '700\n600', 'as all below the state');
  const targets = await readdir(sandbox.hostPath(`/srv/deployer/.local/state/cutover/${site.app}`));
  assert.equal(targets, ['production']);
  await assertSound(site, first, called);
});

test('S4: a build that crashes: the old one is back, with the evidence', async (t) => {
  // A plain user cannot have the journal take in what is on its way: what is looked for was written some time before.
  const site = await userSite(t, {}, { mode: 'crash', startMs: 3_000 });
  const called = await site.call('deploy');
  const { outcome, active, failure } = called.document;
  assert.equal([called.code, outcome, active], [4, 'rolled_back', first], called.stderr);
  assert.equal([failure?.step, failure?.reason], ['start', 'exited']);
  assert.match(failure?.evidence ?? '', `/srv/deployer/.local/state/cutover/${site.app}/production/evidence/`);
  const journal = await readFile(site.sandbox.hostPath(`${failure?.evidence}/journal.txt`), 'utf8');
  assert.match(journal, `Stopped ${site.unit}`);
  await assertSound(site, first, called);
});

test('S3: a build that logs errors: its journal is read', async (t) => {
  const site = await userSite(t, {}, { mode: 'log_errors', message: 'no database' });
  await site.configure({ tables: { health: ['healthy_for = "5s"'] } });
  const called = await site.call('deploy');
  const { active, failure } = called.document;
  assert.equal([called.code, active, failure?.reason], [4, first, 'journal'], called.stderr);
  assert.match(failure?.message ?? '', 'no database');
  await assertSound(site, first, called);
});

test('S8: rollback by hand', async (t) => {
  const site = await userSite(t, {}, {}, {});
  await site.call('deploy');
  const called = await site.call('rollback');
  const { kind, outcome, from, active } = called.document;
  assert.equal([called.code, kind, outcome, from, active], [0, 'rollback', 'deployed', third, first], called.stderr);
  await assertSound(site, first, called);
  const named = await site.call('rollback', [second]);
  assert.equal([named.code, named.document.active], [0, second], named.stderr);
  await assertSound(site, second, named);
});

test('S8: rollback after the unit gave up', async (t) => {
  const site = await userSite(t, {}, {});
  await site.call('deploy');
  await breakInService(site, second);
  const refused = await site.call('deploy');
  assert.equal([refused.code, refused.document.outcome], [1, 'refused']);
  const called = await site.call('rollback');
  assert.equal([called.code, called.document.active], [0, first], called.stderr);
  await assertSound(site, first, called);
});

test('S1: what to type names the manager of the user, and can be typed', async (t) => {
  const site = await userSite(t, {}, {}, { mode: 'crash' });
  await site.call('deploy', [second]);
  await breakInService(site, second);
  const { code, document } = await site.call('deploy');
  assert.is(code, 1);
  const mends = document.checks.flatMap(({ mend }) => mend ?? []);
  const typed = mends.flatMap((mend) => mend.match(/(systemctl|journalctl)[^,]*/)?.[0] ?? []);
  assert.ok(typed.length > 1, mends.join('\n'));
  for (const line of typed) assert.match(line, /^(systemctl|journalctl) --user /);
  const journal = await site.sandbox.run('bash', '-c', typed.find((line) => line.startsWith('journalctl')) ?? 'false');
  assert.match(journal, `${second} listens on ${site.port}`);
  const failed = await site.call('deploy', [third, '--fix-forward']);
  await breakBuild(site, first);
  const worse = await site.call('deploy', [third, '--fix-forward']);
  for (const { stderr } of [failed, worse]) assert.not.match(stderr, /(systemctl|journalctl) (?!--user)/);
  assert.is(worse.code, 3, worse.stderr);
  assert.match(worse.stderr, `-> systemctl --user status ${site.unit}`);
});

test('S1: a unit of the own manager that has the port is stopped there', async (t) => {
  const site = await userSite(t, {}, {});
  const { sandbox, unit, port } = site;
  await sandbox.run('systemctl', 'stop', unit);
  const listen = `require('net').createServer().listen(${port})`;
  await sandbox.run('systemd-run', '--user', '--unit=stray', process.execPath, '-e', listen);
  t.cleanup(() => sandbox.exec(['systemctl', 'stop', 'stray']));
  await until('it listens', async () => (await sandbox.run('ss', '-Hltn', `sport = :${port}`)) !== '');
  const { document } = await site.call('check');
  const mend = document.checks.find(({ name }) => name === 'port')?.mend;
  assert.is(mend, 'systemctl --user stop stray.service');
  await sandbox.run('bash', '-c', mend ?? 'false');
  await sandbox.run('systemctl', 'start', unit);
  await until('the unit has the port', async () => (await whoServes(site))?.build === first);
});

test('S11: status, history, the logs of a run and of the unit', async (t) => {
  const site = await userSite(t, {}, {});
  const { document } = await site.call('deploy');
  const serves = await whoServes(site);
  const [found] = (await site.call<{ targets: TargetStatus[] }>('status')).document.targets;
  assert.equal(
    [found?.state, found?.sub_state, found?.healthy, found?.main_pid, found?.current, found?.previous],
    ['active', 'running', true, serves?.pid, second, first],
  );
  assert.match(found?.port_owner ?? '', new RegExp(`^pid ${serves?.pid} \\(.*app\\.mjs\\) of ${site.unit}$`));
  assert.is(found?.last_run?.run, document.run);
  const { runs } = (await site.call<{ runs: RunDocument[] }>('history')).document;
  assert.equal(
    runs.map(({ active }) => active),
    [second, first],
  );
  assert.match((await site.tell('logs')).stdout, `production serves ${second}`);
  await until('the journal has it', async () => {
    const journal = await site.tell('logs', '--unit');
    assert.is(journal.code, 0, journal.stderr);
    return journal.stdout.includes(`${second} listens on ${site.port}`);
  });
  await assertSound(site, second);
});

for (const [where, XDG_STATE_HOME] of [
  ['in the default place', undefined],
  ['in $XDG_STATE_HOME', '/srv/deployer/my state'],
] as const) {
  test(`S8: the deployer is killed, its state ${where}: the own manager brings the old build back`, async (t) => {
    const user = await plainUser({ XDG_STATE_HOME });
    const site = await makeSite(t, { ...held, user });
    await untilNextSecond();
    const run = await startDeploy(site);
    await untilBegun(site, 'start');
    run.child.kill('SIGKILL');
    await untilSettled(site);
    await assertSound(site, first);
    const { outcome, active, failure, run: id } = (await site.call('report')).document;
    assert.equal([outcome, active, failure?.reason, failure?.step], ['rolled_back', first, 'interrupted', 'start']);
    const log = `${user.stateHome}/cutover/logs/deployment-${site.unit}-${id?.slice(0, 15)}.log`;
    assert.match(await readFile(site.sandbox.hostPath(log), 'utf8'), `production is back on ${first}`);
  });
}

test('S8: a deploy after a killed deployer ends its run first', async (t) => {
  const site = await makeSite(t, { ...held, user: await plainUser() });
  await leaveBehind(site);
  const called = await site.call('deploy');
  assert.equal(
    [called.code, called.document.outcome, called.document.from, called.document.active],
    [0, 'deployed', first, second],
    called.stderr,
  );
  assert.match(called.stderr, /had been cut off and was ended first: rolled_back/);
  await assertSound(site, second, called);
});

test('S8: his manager is restarted in the middle of a run: settle brings the old build back', async (t) => {
  const user = await plainUser();
  const site = await makeSite(t, { ...held, user });
  const run = await startDeploy(site);
  await untilBegun(site, 'start');
  await (await sandboxFor()).run('systemctl', 'restart', `user@${user.uid}.service`);
  assert.is.not((await run.child.ended).code, 0);
  const settled = await site.call('settle');
  assert.equal([settled.code, settled.document.active], [0, first], settled.stderr);
  await assertSound(site, first);
  await letGo(site);
  assert.is((await site.call('deploy')).code, 0, 'nothing spoke against the build');
  await assertSound(site, second);
});

test('a second deployer is refused at once, and told who holds the target', async (t) => {
  const site = await makeSite(t, { ...held, user: await plainUser() });
  const run = await startDeploy(site);
  await untilBegun(site, 'start');
  for (const command of ['deploy', 'rollback', 'settle']) {
    const { code, document, stderr } = await site.call<Refusal>(command);
    assert.equal([code, document.exit_code, document.error?.code], [75, 75, 'locked'], stderr);
    assert.match(document.error.message, `(pid ${run.pidInside()}, user deployer, since `);
  }
  const called = await run.end();
  assert.equal([called.code, called.document.active], [0, second], called.stderr);
  await assertSound(site, second, called);
});

test('S4: SIGTERM in the middle of a run takes it back', async (t) => {
  const site = await makeSite(t, { ...held, user: await plainUser() });
  const run = await startDeploy(site);
  await untilBegun(site, 'start');
  run.child.kill('SIGTERM');
  const called = await run.end();
  assert.equal([called.code, called.document.outcome, called.document.active], [4, 'rolled_back', first]);
  await assertSound(site, first, called);
});

test('S9: the direct form with --user', async (t) => {
  const site = await userSite(t, {}, {});
  const words = [site.unit, `${site.builds}/${second}`, String(site.port), '--user', '--json'];
  const result = await site.sandbox.exec([process.execPath, executable('deploy-with-zero-downtime'), ...words]);
  const called = calledFrom(result);
  assert.equal([called.code, called.document.active], [0, second], called.stderr);
  assert.is((await whoServes(site))?.build, second);
});

test('a user without a manager: exit 69, and what to type', async (t) => {
  const site = await userSite(t, {}, {});
  for (const command of ['deploy', 'check', 'rollback', 'status']) {
    const { code, document } = await site.call<Refusal>(command, [], { env: { XDG_RUNTIME_DIR: '/run/nowhere' } });
    assert.equal([code, document.error?.code], [69, 'systemd_unavailable'], command);
    assert.match(document.error.message, 'no user bus at unix:path=/run/nowhere/bus');
    assert.match(document.error.mend, 'loginctl enable-linger');
  }
  await assertSound(site, first);
});

test('S1: without lingering check and deploy say what that means', async (t) => {
  const user = await plainUser();
  const site = await userSite(t, {}, {});
  const mark = site.sandbox.hostPath(`/var/lib/systemd/linger/${user.name}`);
  await rm(mark);
  t.cleanup(() => writeFile(mark, ''));
  for (const command of ['check', 'deploy']) {
    const { code, stderr } = await site.call(command);
    assert.is(code, 0, stderr);
    assert.match(
      stderr,
      'your units run only while you are logged in, and not at boot: loginctl enable-linger deployer',
    );
  }
  await writeFile(mark, '');
  assert.not.match((await site.call('check')).stderr, 'enable-linger');
});

test('S10: a pass of the monitor in their own manager brings a service back that is down', async (t) => {
  const site = await userSite(t, {});
  await site.configure({ keys: ['monitor = { every = "1h", failures = 1, action = "restart" }'] });
  const { sandbox } = site;
  t.cleanup(() => sandbox.cutover(['init', '--uninstall', '--user']));
  const { code, stderr } = await init(sandbox, '--install', '--config', site.config);
  assert.is(code, 0, stderr);
  const instance = `cutover-monitor@${(await sandbox.run('systemd-escape', `${site.app}/production`)).trim()}`;
  await sandbox.run('systemctl', 'is-active', `${instance}.timer`);
  await sandbox.run('systemctl', 'stop', `${instance}.timer`, site.unit);
  await sandbox.run('systemctl', 'start', `${instance}.service`);
  await until('it is back', async () => (await whoServes(site))?.build === first);
  const state = ['systemctl', 'show', '--property=ActiveState', '--value', `${instance}.service`] as const;
  await until('the pass is over', async () => /^(inactive|failed)$/m.test(await sandbox.run(...state)));
  await sandbox.exec(['systemctl', 'reset-failed']);
  const { runs } = (await site.call<{ runs: RunDocument[] }>('history')).document;
  assert.equal([runs[0]?.kind, runs[0]?.outcome], ['recovery', 'deployed']);
  await until(
    'they own what it wrote',
    async () => (await sandbox.run('find', site.state, '!', '-user', 'deployer')) === '',
  );
});
