// needs: sandbox
import * as assert from 'uvu/assert';
import { suite } from '../suite.ts';
import { deployingUser } from './plain-user.ts';
import { buildId, calledFrom, makeSite, type Refusal } from './site.ts';
import { assertSound } from './sound.ts';

const test = suite('deploy/polkit is masked');
const second = buildId(2);

test('S1: it is what has to be unmasked, and nothing is touched', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}, {}] });
  await site.call('deploy', [second]);
  const user = await deployingUser(t, site);
  const { sandbox } = site;
  t.cleanup(async () => {
    await sandbox.run('systemctl', 'unmask', 'polkit.service');
    await sandbox.run('systemctl', 'start', 'polkit.service');
  });
  await sandbox.run('systemctl', 'mask', '--now', 'polkit.service');
  const deployed = calledFrom(await user.sandbox.cutover(user.words('deploy')));
  assert.equal([deployed.code, deployed.document.outcome], [77, 'refused'], deployed.stderr);
  const found = deployed.document.checks.find(({ name }) => name === 'permission');
  assert.match(found?.observed ?? '', `nobody decides whether ${user.name} may`);
  assert.is(found?.mend, 'systemctl unmask polkit.service');
  const back = calledFrom<Refusal>(await user.sandbox.cutover(user.words('rollback')));
  assert.equal([back.code, back.document.error?.code], [69, 'systemd_unavailable'], back.stderr);
  assert.is(back.document.error.mend, 'systemctl unmask polkit.service');
  await assertSound(site, second);
});
