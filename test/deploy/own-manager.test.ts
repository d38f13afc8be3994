// needs: sandbox
import * as assert from 'uvu/assert';
import { suite } from '../suite.ts';
import { deployingUser } from './plain-user.ts';
import { heldSite, untilBegun, untilSettled } from './running.ts';
import { buildId, calledFrom, executable, makeSite } from './site.ts';
import { assertSound, whoServes } from './sound.ts';

const test = suite("deploy/a plain user on the system's manager");
const [first, second] = [buildId(1), buildId(2)];

test('S8: their own manager guards the run: the deployer is killed, and the old build is back by itself', async (t) => {
  const site = await heldSite(t);
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
