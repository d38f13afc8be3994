// needs: sandbox
import * as assert from 'uvu/assert';
import { breakInService } from '../deploy/site.ts';
import { currentLink } from '../deploy/sound.ts';
import { suite } from '../suite.ts';
import { assertServes, untilEnded } from './ended.ts';
import { pauseAt } from './paused.ts';
import { crashSite } from './site.ts';

const test = suite('crash/bus gone', { timeoutMs: 120_000 });

test('S8: the bus goes away in a rollback that nothing can be taken back of: whoever can reach systemd goes on with it', async (t) => {
  const site = await crashSite(t);
  const { sandbox } = site;
  const bus = ['dbus.socket', 'dbus.service'];
  t.cleanup(() => sandbox.run('systemctl', 'start', ...bus));
  const proven = (await currentLink(site)) ?? '';
  const broken = await site.add();
  assert.is((await site.call('deploy')).code, 0);
  await breakInService(site, broken);
  const paused = await pauseAt(site, 'rollback', 'sent ResetFailedUnit:1');
  await sandbox.run('systemctl', 'stop', ...bus);
  await paused.resume();
  const { code, stderr } = await paused.end();
  assert.is(code, 3, stderr);
  assert.match(stderr, /run .* is not ended yet/);
  await sandbox.run('systemctl', 'start', ...bus);
  await untilEnded(site);
  await assertServes(site, proven);
});
