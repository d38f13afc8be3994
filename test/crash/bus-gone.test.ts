// needs: sandbox
import * as assert from 'uvu/assert';
import { breakInService, type Site } from '../deploy/site.ts';
import { currentLink } from '../deploy/sound.ts';
import { suite, type TestContext } from '../suite.ts';
import { assertServes, untilEnded } from './ended.ts';
import { pauseAt } from './paused.ts';
import { crashSite } from './site.ts';

const test = suite('crash/bus gone', { timeoutMs: 120_000 });

const bus = ['dbus.socket', 'dbus.service'];

test('S8: the bus goes away in a rollback that nothing can be taken back of: whoever can reach systemd goes on with it', async (t) => {
  const site = await crashSite(t);
  const proven = (await currentLink(site)) ?? '';
  const broken = await site.add();
  assert.is((await site.call('deploy')).code, 0);
  await breakInService(site, broken);
  await isUnfinished(t, site, { command: 'rollback', moment: 'sent ResetFailedUnit:1' });
  await untilEnded(site);
  await assertServes(site, proven);
});

for (const [when, moment] of [
  ['before the old build is told to stop', 'sent StopUnit:1'],
  ['with the port closed', 'sent StartUnit:1'],
] as const) {
  test(`S6: the bus goes away in a deploy, ${when}, and stays away: the old build is back once systemd can be reached`, async (t) => {
    const site = await crashSite(t);
    const proven = (await currentLink(site)) ?? '';
    await site.add();
    await isUnfinished(t, site, { command: 'deploy', moment });
    await untilEnded(site);
    await assertServes(site, proven);
    const again = await site.call('deploy');
    assert.is(again.code, 0, again.stderr);
  });
}

/** It ends with 3 while systemd cannot be reached, says what goes on with it, and shows no stack trace. */
async function isUnfinished(
  t: TestContext,
  site: Site,
  { command, moment }: { command: 'deploy' | 'rollback'; moment: string },
): Promise<void> {
  const { sandbox } = site;
  t.cleanup(() => sandbox.run('systemctl', 'start', ...bus));
  const paused = await pauseAt(site, command, moment);
  await sandbox.run('systemctl', 'stop', ...bus);
  await paused.resume();
  const { code, stdout, stderr } = await paused.end();
  assert.is(code, 3, stderr);
  assert.match(stderr, /run .* is not ended yet/);
  assert.match(stderr, /-> systemd goes on with it by itself as soon as .*; or type: cutover settle .*production/);
  assert.not.match(stdout + stderr, '    at ');
  await sandbox.run('systemctl', 'start', ...bus);
}
