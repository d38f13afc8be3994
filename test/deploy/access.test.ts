// needs: sandbox
import * as assert from 'uvu/assert';
import type { ExecResult } from '../../lib/base/exec.ts';
import { sandboxFor } from '../sandboxed.ts';
import { suite, type TestContext } from '../suite.ts';
import { plainUser } from './plain-user.ts';
import { buildId, calledFrom, executable, makeSite, type Refusal, type Site } from './site.ts';
import { heldSite, startDeploy, untilBegun } from './running.ts';
import { assertSound, whoServes } from './sound.ts';

const test = suite('deploy/access');
const [first, second] = [buildId(1), buildId(2)];

test('no bus: exit 69, and says what to type', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}] });
  const nowhere = { env: { DBUS_SYSTEM_BUS_ADDRESS: 'unix:path=/run/nowhere' } };
  for (const command of ['deploy', 'check', 'rollback', 'status']) {
    const { code, document } = await site.call<Refusal>(command, [], nowhere);
    assert.equal([code, document.exit_code, document.error?.code], [69, 69, 'systemd_unavailable'], command);
    assert.match(document.error.message, 'no system bus at unix:path=/run/nowhere');
    assert.match(document.error.mend, 'systemctl start dbus');
  }
  // Nothing to end is known without asking anybody.
  assert.is((await site.call('settle', [], nowhere)).code, 0);
  await assertSound(site, first);
});

test('the bus has stopped: exit 69, and the service goes on', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}] });
  const { sandbox } = site;
  t.cleanup(() => sandbox.run('systemctl', 'start', 'dbus.socket', 'dbus.service'));
  await sandbox.run('systemctl', 'stop', 'dbus.socket', 'dbus.service');
  const { code, document } = await site.call<Refusal>('deploy');
  assert.equal([code, document.error?.code], [69, 'systemd_unavailable'], document.error.message);
  assert.is((await whoServes(site))?.build, first);
  await sandbox.run('systemctl', 'start', 'dbus.socket', 'dbus.service');
  const called = await site.call('deploy');
  assert.equal([called.code, called.document.active], [0, second], called.stderr);
  await assertSound(site, second, called);
});

test('the bus restarts in the middle of a run: the run comes to a sound end', async (t) => {
  const site = await heldSite(t);
  const run = await startDeploy(site);
  await untilBegun(site, 'start');
  await site.sandbox.run('systemctl', 'restart', 'dbus.service');
  const called = await run.end();
  const { outcome, active } = called.document;
  const known = called.code === 0 ? [0, 'deployed', second] : [4, 'rolled_back', first];
  assert.equal([called.code, outcome, active], known, called.stderr);
  await assertSound(site, active, called);
});

test('a plain user who may not write the state: exit 77, and nothing is touched', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}] });
  const before = await whoServes(site);
  for (const command of ['deploy', 'rollback', 'settle', 'history', 'status']) {
    const result = await asPlainUser(site, command);
    const { document, code } = calledFrom<Refusal>(result);
    assert.equal(
      [code, document.exit_code, document.error?.code],
      [77, 77, 'permission'],
      `${command}: ${result.stderr}`,
    );
    assert.match(document.error.message, /permission denied/);
    assert.match(document.error.mend, 'sudo');
  }
  assert.equal(await whoServes(site), before);
  await assertSound(site, first);
});

test("a plain user whom systemd allows the unit, and the state is root's: what is said makes a deploying user", async (t) => {
  const site = await makeSite(t, { builds: [{}, {}] });
  await allowUnit(t, site);
  await site.sandbox.run('chmod', '755', '/var/lib/cutover');
  t.cleanup(() => site.sandbox.run('chmod', '700', '/var/lib/cutover'));
  for (const command of ['deploy', 'check', 'rollback']) {
    const { document, code } = calledFrom<Refusal>(await asPlainUser(site, command));
    assert.equal([code, document.error?.code], [77, 'permission'], command);
    assert.match(
      document.error.mend,
      /sudo cutover init (.* )?--install --deploy-user nobody, which says what to chown/,
    );
  }
  const taken = await asNobody(site, 'init', '--uninstall');
  assert.is(taken.code, 0, 'nothing was ever installed, and that is plain to see');
  await site.sandbox.run('chmod', '700', '/var/lib/cutover');
  const hidden = calledFrom<Refusal>(await asNobody(site, 'init', '--uninstall'));
  assert.equal([hidden.code, hidden.document.error?.code], [77, 'permission']);
  await assertSound(site, first);
});

test('root on what is for the manager of another user: that user is named, and no manager of root is to be made', async (t) => {
  const user = await plainUser();
  const site = await makeSite(t, { user, builds: [{}] });
  const sandbox = await sandboxFor();
  for (const command of ['deploy', 'status', 'recover']) {
    const words = [command, '--json', '--config', site.config];
    const { document, code } = calledFrom<Refusal>(await sandbox.cutover(words));
    assert.equal([code, document.error?.code], [69, 'systemd_unavailable'], command);
    assert.match(document.error.mend, `sudo -u ${user.name} cutover`);
  }
  assert.is((await sandbox.cutover(['config', '--check', '--config', site.config])).code, 0);
});

test('a plain user whom systemd refuses: exit 77, and the service goes on', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}], service: ['User=65534'] });
  await handOver(t, site);
  const before = await whoServes(site);
  const result = await asPlainUser(site, 'deploy');
  const { document, code } = calledFrom(result);
  assert.equal([code, document.exit_code, document.outcome], [77, 77, 'refused'], result.stderr);
  const refusal = document.checks.find(({ name }) => name === 'permission');
  assert.equal(
    [refusal?.status, refusal?.observed],
    ['fail', `systemd refuses nobody: start, stop, kill of ${site.unit}`],
  );
  assert.match(refusal?.mend ?? '', /sudo cutover init (.* )?--install --deploy-user nobody/);
  assert.match(result.stderr, 'sudo loginctl enable-linger nobody');
  assert.equal(await whoServes(site), before);
  await assertSound(site, first);
  await allowUnit(t, site);
  const allowed = calledFrom(await asPlainUser(site, 'deploy'));
  assert.is(allowed.code, 0, `nothing spoke against the build: ${allowed.stderr}`);
});

for (const [whose, service] of [
  ['their own process', ['User=65534']],
  ["another user's process", []],
] as const) {
  test(`a plain user whom polkit allows the unit, ${whose}: the deploy works, guarded by the lock alone`, async (t) => {
    const site = await makeSite(t, { builds: [{}, {}], service: [...service] });
    await handOver(t, site);
    await allowUnit(t, site);
    const result = await asPlainUser(site, 'deploy');
    const { document, code } = calledFrom(result);
    assert.equal([code, document.outcome, document.active], [0, 'deployed', second], result.stderr);
    assert.match(result.stderr, 'systemd does not guard this run');
    const isHidden = result.stderr.includes(
      `nobody may not look into the processes of ${site.unit}: its build is taken from`,
    );
    assert.is(isHidden, service.length === 0, result.stderr);
    await assertSound(site, second);
  });
}

function asPlainUser(site: Site, command: string): Promise<ExecResult> {
  return asNobody(site, command, 'production');
}

function asNobody({ sandbox, config }: Site, ...words: string[]): Promise<ExecResult> {
  const as = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', process.execPath] as const;
  return sandbox.exec([...as, executable('cutover'), ...words, '--json', '--config', config]);
}

/** What a person would do for a deploying user: the state, the logs and the builds are theirs. */
async function handOver(t: TestContext, site: Site): Promise<void> {
  const { sandbox, app } = site;
  const directories = [`/var/lib/cutover/${app}`, `/var/log/cutover/${app}`, site.builds];
  await sandbox.run('chown', '-R', '65534:65534', ...directories);
  const above = ['/var/lib/cutover', '/var/log/cutover'];
  t.cleanup(() => sandbox.run('chmod', '700', ...above));
  await sandbox.run('chmod', '755', ...above);
}

/** The polkit rule for a deploying user; polkitd reads the language of 2009, without arrow functions. */
async function allowUnit(t: TestContext, { sandbox, unit }: Site): Promise<void> {
  const rule = '/etc/polkit-1/rules.d/50-cutover.rules';
  const text = `polkit.addRule(function (action, subject) {
  if (action.id === 'org.freedesktop.systemd1.manage-units' && action.lookup('unit') === '${unit}' && subject.user === 'nobody')
    return polkit.Result.YES;
});
`;
  await sandbox.run('mkdir', '-p', '/etc/polkit-1/rules.d');
  await sandbox.exec(['tee', rule], { input: text });
  await sandbox.run('chmod', '644', rule);
  t.cleanup(() => sandbox.run('rm', rule));
  await sandbox.run('systemctl', 'restart', 'polkit.service');
}
