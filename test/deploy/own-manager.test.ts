// needs: sandbox
import { writeFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { suite, type TestContext } from '../suite.ts';
import { type PlainUser, plainUser } from './plain-user.ts';
import { untilBegun, untilSettled } from './running.ts';
import { buildId, calledFrom, executable, makeSite, type Site } from './site.ts';
import { assertSound, whoServes } from './sound.ts';

const test = suite("deploy/a plain user on the system's manager");
const [first, second] = [buildId(1), buildId(2)];

test('S8: their own manager guards the run: the deployer is killed, and the old build is back by itself', async (t) => {
  const site = await makeSite(t, { builds: [{}, { mode: 'slow_start', startMs: 1500 }] });
  const user = await deployingUser(t, site);
  const words = [executable('cutover'), 'deploy', 'production', '--config', site.config];
  const child = await user.sandbox.spawn([process.execPath, ...words]);
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += String(chunk)));
  await untilBegun(site, 'start');
  child.kill('SIGKILL');
  await untilSettled(site);
  assert.not.match(said, 'does not guard');
  assert.is((await whoServes(site))?.build, first);
  await assertSound(site, first);
  const { outcome, active } = (await site.call('report')).document;
  assert.equal([outcome, active], ['rolled_back', first]);
});

test('S2: a deploy of theirs that goes well leaves nothing in their manager', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}] });
  const user = await deployingUser(t, site);
  const result = await user.sandbox.cutover(['deploy', 'production', '--json', '--config', site.config]);
  const { code, document } = calledFrom(result);
  assert.equal([code, document.active], [0, second], result.stderr);
  const units = await user.sandbox.run('systemctl', 'list-units', 'cutover*', '--all', '--plain', '--no-legend');
  assert.is(units, '');
  await assertSound(site, second);
});

/** A user with a manager of their own, who has the site's files and may start and stop its unit on the system's manager. */
async function deployingUser(t: TestContext, { sandbox, app, unit, builds }: Site): Promise<PlainUser> {
  const user = await plainUser();
  const directories = [`/var/lib/cutover/${app}`, `/var/log/cutover/${app}`, builds];
  await sandbox.run('chown', '-R', `${user.name}:`, ...directories);
  await sandbox.run('chmod', '755', '/var/lib/cutover', '/var/log/cutover');
  t.cleanup(() => sandbox.run('chmod', '700', '/var/lib/cutover', '/var/log/cutover'));
  const rule = '/etc/polkit-1/rules.d/50-cutover.rules';
  await sandbox.run('mkdir', '-p', '/etc/polkit-1/rules.d');
  const text = `polkit.addRule(function (action, subject) {
  if (action.id === 'org.freedesktop.systemd1.manage-units' && action.lookup('unit') === '${unit}' && subject.user === '${user.name}')
    return polkit.Result.YES;
});
`;
  await writeFile(sandbox.hostPath(rule), text, { mode: 0o644 });
  t.cleanup(() => sandbox.run('rm', rule));
  await sandbox.run('systemctl', 'restart', 'polkit.service');
  return user;
}
