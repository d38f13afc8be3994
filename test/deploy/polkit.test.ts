// needs: sandbox
// deadline: 20min
import { appendFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { neededOf } from '../../lib/deploy/verbs.ts';
import type { RunDocument } from '../../lib/run/document.ts';
import { suite, type TestContext } from '../suite.ts';
import { assertOwned, deployingUser, plainUser, polkitReads } from './plain-user.ts';
import { clearAfter, init } from './initiating.ts';
import { held, leaveBehind, subState } from './running.ts';
import {
  buildId,
  type Called,
  calledFrom,
  makeSite,
  type Refusal,
  type Site,
  type SiteOptions,
  until,
} from './site.ts';
import { makeOverlapSite, makeSocketSite } from './socket-site.ts';
import { assertSound, whoServes } from './sound.ts';

const test = suite('deploy/polkit');
const [first, second, third] = [buildId(1), buildId(2), buildId(3)];

type Strategy = 'restart' | 'socket' | 'overlap';
type Deployer = Awaited<ReturnType<typeof deployingUser>>;

const makes: Record<Strategy, (t: TestContext, options: SiteOptions) => Promise<Site>> = {
  restart: makeSite,
  socket: makeSocketSite,
  overlap: makeOverlapSite,
};
const strategies = Object.keys(makes) as Strategy[];

/** The first build is deployed by root, as by whoever set the machine up; the others are not there yet then. */
async function siteFor(t: TestContext, strategy: Strategy, options: SiteOptions): Promise<Site> {
  const { builds = [], ...others } = options;
  const site = await makes[strategy](t, { ...others, builds: builds.slice(0, 1) });
  for (const behaviour of builds.slice(1)) await site.add(behaviour);
  return site;
}

async function call<Document = RunDocument>(
  user: Deployer,
  command: string,
  ...words: string[]
): Promise<Called<Document>> {
  return calledFrom<Document>(await user.sandbox.cutover([...user.words(command), ...words]));
}

for (const strategy of strategies) {
  for (const [whose, service] of [
    ['his own processes', ['User=deployer']],
    ["root's processes", []],
    ["somebody else's processes", ['User=www-data']],
  ] as const) {
    test(`S2, S4, S8: ${strategy}, ${whose}: good build, bad build, rollback, and the files stay his`, async (t) => {
      await plainUser();
      const site = await siteFor(t, strategy, { builds: [{}, {}, { mode: 'crash' }], service: [...service] });
      const user = await deployingUser(t, site, strategy);
      const good = await call(user, 'deploy', second);
      assert.equal([good.code, good.document.active], [0, second], good.stderr);
      await assertSound(site, second, good);
      const bad = await call(user, 'deploy', third);
      assert.equal([bad.code, bad.document.outcome, bad.document.active], [4, 'rolled_back', second], bad.stderr);
      await assertSound(site, second, bad);
      const back = await call(user, 'rollback');
      assert.equal([back.code, back.document.active], [0, first], back.stderr);
      await assertSound(site, first, back);
      for (const { stderr } of [good, bad, back]) assert.not.match(stderr, 'refuses');
      await assertOwned(site, user.name);
    });
  }
}

for (const strategy of strategies) {
  test(`S1: ${strategy}: without any one of the verbs nothing is begun, and the refusal names it`, async (t) => {
    const site = await siteFor(t, strategy, { builds: [{}, {}] });
    const user = await deployingUser(t, site, strategy);
    const before = await whoServes(site);
    const sockets = site.socket === undefined ? [] : [site.socket];
    const needed = neededOf({ target: { unit: site.unit, strategy }, id: site.unit, sockets });
    for (const { unit, isStandIn, verbs } of needed) {
      for (const verb of verbs) {
        // A stand-in that is not there cannot be asked about, and to leave it failed does no harm.
        if (isStandIn && ['reset-failed', 'kill'].includes(verb)) continue;
        await user.deny({ unit, verb });
        const name = isStandIn ? `${unit}*.service` : unit;
        const { code, said } = saidBy(await call<RunDocument & Refusal>(user, 'deploy'));
        assert.is(code, 77, `${verb} of ${name}: ${said}`);
        assert.match(said, `systemd refuses deployer: ${verb} of ${name}`);
        assert.match(said, /sudo cutover init (.* )?--install --deploy-user deployer/);
        assert.equal(await whoServes(site), before, `${verb} of ${name}`);
      }
    }
    await assertSound(site, first);
    await user.deny();
    const called = await call(user, 'deploy');
    assert.equal([called.code, called.document.active], [0, second], called.stderr);
    await assertSound(site, second, called);
  });
}

/** What speaks against it: a check's answer, or an error where it cannot be asked without being done. */
function saidBy({ code, document, stderr }: Called<RunDocument & Refusal>): { code: number | null; said: string } {
  const check = document.checks?.find(({ name }) => name === 'permission');
  const said =
    check?.status === 'fail' ? [check.observed, check.mend] : [document.error?.message, document.error?.mend];
  return { code, said: `${said.join('\n')}\n${stderr}` };
}

test('S7: --force does not go past a refusal, and check says it too', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}], keys: ['allow_force = true'] });
  const user = await deployingUser(t, site);
  await user.deny({ unit: site.unit, verb: 'start' });
  const forced = await call(user, 'deploy', '--force');
  assert.equal([forced.code, forced.document.outcome], [77, 'refused'], forced.stderr);
  const checked = await call(user, 'check');
  assert.is(checked.code, 1);
  const found = checked.document.checks.find(({ name }) => name === 'permission');
  assert.equal([found?.status, found?.observed], ['fail', `systemd refuses deployer: start of ${site.unit}`]);
  await assertSound(site, first);
});

test('S8: a rollback and a settle that would stop half-way are refused before, and can be made later', async (t) => {
  const site = await makeSite(t, { ...held, builds: [{}, {}, { mode: 'held' }] });
  const user = await deployingUser(t, site);
  await call(user, 'deploy', second);
  await user.deny({ unit: site.unit, verb: 'start' });
  const before = await whoServes(site);
  const back = await call<Refusal>(user, 'rollback');
  assert.equal([back.code, back.document.error?.code], [77, 'permission'], back.stderr);
  assert.match(back.document.error.message, `start of ${site.unit}; nothing was changed`);
  assert.equal(await whoServes(site), before);
  await user.deny();
  await leaveBehind({ ...site, sandbox: user.sandbox });
  await user.deny({ unit: site.unit, verb: 'reset-failed' });
  const settled = await call<Refusal>(user, 'settle');
  assert.equal([settled.code, settled.document.error?.code], [77, 'permission'], settled.stderr);
  assert.is(
    (await site.sandbox.exec(['test', '-e', `${site.state}/in-flight`])).code,
    0,
    'the run is still to be ended',
  );
  await user.deny();
  // The first settle's own guard may be at work by now, and may have ended it.
  const ended = await call(user, 'settle', '--wait=30s');
  assert.is(ended.code, 0, ended.stderr);
  await assertSound(site, second);
  await assertOwned(site, user.name);
});

for (const verb of ['reset-failed', 'kill'] as const) {
  test(`S8: a settle that may not ${verb} is refused where the unit is down and its manager has forgotten it`, async (t) => {
    const site = await makeSite(t, held);
    const user = await deployingUser(t, site);
    // A start that polkit still thinks about would cancel the stop.
    const isStarted = (): Promise<void> => until('it is started', async () => (await subState(site)) === 'running');
    await leaveBehind({ ...site, sandbox: user.sandbox }, 'start', 'deploy', isStarted);
    await site.sandbox.run('systemctl', 'stop', site.unit);
    await user.deny({ unit: site.unit, verb });
    const settled = await call<Refusal>(user, 'settle');
    assert.equal([settled.code, settled.document.error?.code], [77, 'permission'], settled.stderr);
    assert.match(settled.document.error.message, `${verb} of ${site.unit}; nothing was changed`);
    await user.deny();
    const ended = await call(user, 'settle', '--wait=30s');
    assert.is(ended.code, 0, ended.stderr);
    await assertSound(site, first);
  });
}

test('the rule allows nothing else', async (t) => {
  const site = await siteFor(t, 'overlap', { builds: [{}, {}] });
  const user = await deployingUser(t, site, 'overlap');
  const other = 'systemd-journald.service';
  const before = await whoServes(site);
  const refused: [string, ...string[]][] = [
    ['systemctl', 'stop', other],
    ['systemctl', 'start', 'rescue.target'],
    ['systemctl', 'stop', `${site.app}-next@evil.service`],
    ['systemctl', 'set-property', '--runtime', site.unit, 'MemoryMax=1M'],
    ['systemctl', 'reload', site.unit],
    ['systemctl', 'mask', '--runtime', site.unit],
    ['systemctl', 'disable', site.unit],
    ['systemctl', 'daemon-reload'],
    ['systemctl', 'reset-failed'],
    ['systemctl', 'reboot', '--force'],
    ['systemd-run', '--system', 'true'],
    ['systemd-run', '--system', '--scope', 'true'],
    ['systemd-run', '--system', `--unit=${site.app}-next@${third}.service`, 'true'],
  ];
  for (const [file, ...words] of refused) {
    const as = ['setpriv', `--reuid=${user.name}`, `--regid=${user.name}`, '--init-groups', '--'] as const;
    const { code, stderr } = await site.sandbox.exec([...as, file, '--no-ask-password', ...words]);
    assert.is.not(code, 0, `${file} ${words.join(' ')}`);
    assert.match(stderr, /authentication required|Access denied|Permission denied/i, `${file} ${words.join(' ')}`);
  }
  assert.equal(await whoServes(site), before);
});

test('S12: a changed unit file is for root to read: a deploy says so, a rollback goes on', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}, {}] });
  const user = await deployingUser(t, site);
  await call(user, 'deploy', second);
  await appendFile(site.sandbox.hostPath(site.unitFile), '# changed\n');
  const called = await call(user, 'deploy');
  assert.equal([called.code, called.document.outcome], [77, 'refused'], called.stderr);
  const found = called.document.checks.find(({ name }) => name === 'permission');
  assert.match(found?.mend ?? '', 'sudo systemctl daemon-reload');
  const back = await call(user, 'rollback');
  assert.equal([back.code, back.document.active], [0, first], back.stderr);
  await site.sandbox.run('systemctl', 'daemon-reload');
  const again = await call(user, 'deploy', third);
  assert.equal([again.code, again.document.active], [0, third], again.stderr);
  await assertSound(site, third, again);
});

test('without polkit: only root may, and the refusal says so', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}] });
  const user = await deployingUser(t, site);
  const { sandbox } = site;
  const activation = '/usr/share/dbus-1/system-services/org.freedesktop.PolicyKit1.service';
  t.cleanup(async () => {
    await sandbox.exec(['umount', activation]);
    await sandbox.run('systemctl', 'reload', 'dbus.service');
    await sandbox.run('systemctl', 'start', 'polkit.service');
  });
  await sandbox.run('mount', '--bind', '/dev/null', activation);
  await sandbox.run('systemctl', 'reload', 'dbus.service');
  await sandbox.run('systemctl', 'stop', 'polkit.service');
  const called = await call(user, 'deploy');
  assert.equal([called.code, called.document.outcome], [77, 'refused'], called.stderr);
  const found = called.document.checks.find(({ name }) => name === 'permission');
  assert.match(found?.mend ?? '', 'without polkit only root may (sudo apt-get install polkitd');
  await assertSound(site, first);
});

test('S1: what init puts in place and says to type makes a deploying user', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}] });
  const { sandbox, config } = site;
  clearAfter(t, sandbox);
  const user = await plainUser();
  const install = ['--install', '--deploy-user', user.name, '--config', config];
  const { code, document, stderr } = await init(sandbox, ...install);
  assert.is(code, 0, stderr);
  const [note = ''] = document.notes.filter((line) =>
    line.startsWith('what a deploy writes has to belong to deployer: '),
  );
  t.cleanup(() => sandbox.run('chmod', '700', '/var/lib/cutover'));
  await sandbox.run('sh', '-ec', note.replace(/^.* belong to \w+: /, ''));
  const words = ['deploy', 'production', '--json', '--config', config];
  await polkitReads(sandbox);
  const called = calledFrom(await user.sandbox.cutover(words));
  assert.equal([called.code, called.document.active], [0, second], called.stderr);
  await assertSound(site, second);
  await assertOwned(site, user.name);
  assert.not.match((await init(sandbox, ...install)).document.notes.join('\n'), 'has to belong');
});

test('S1: a group: its members may, once they are in it', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}] });
  const { sandbox, config } = site;
  clearAfter(t, sandbox);
  const user = await deployingUser(t, site);
  // Only the group's rule is to stand there.
  await sandbox.run('rm', `/etc/polkit-1/rules.d/50-cutover-${site.app}.rules`);
  await sandbox.run('groupadd', 'deployers');
  t.cleanup(() => sandbox.run('groupdel', 'deployers'));
  const { code, document, stderr } = await init(sandbox, '--install', '--group', 'deployers', '--config', config);
  assert.is(code, 0, stderr);
  assert.match(document.notes.join('\n'), 'as whom the members of deployers deploy: sudo -u NAME cutover deploy');
  await polkitReads(sandbox);
  assert.is((await call(user, 'deploy')).code, 77);
  await sandbox.run('usermod', '--append', '--groups', 'deployers', user.name);
  await polkitReads(sandbox);
  const called = await call(user, 'deploy');
  assert.equal([called.code, called.document.active], [0, second], called.stderr);
});
