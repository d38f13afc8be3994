// needs: sandbox
import * as assert from 'uvu/assert';
import { suite } from '../suite.ts';
import { heldSite, letGo, startDeploy, untilBegun } from './running.ts';
import { buildId } from './site.ts';
import { assertSound } from './sound.ts';

const test = suite('deploy/power');
const [first, second] = [buildId(1), buildId(2)];

test('S8: the power goes in the middle of a run: the machine comes back, and settle brings the old build back', async (t) => {
  const site = await heldSite(t);
  await site.sandbox.run('systemctl', 'enable', site.unit);
  await startDeploy(site);
  await untilBegun(site, 'start');
  await site.sandbox.reboot();
  assert.match((await site.tell('status')).stdout, /UNFINISHED +run .*cutover settle production/);
  const settled = await site.call('settle');
  assert.equal(
    [settled.code, settled.document.outcome, settled.document.active],
    [0, 'rolled_back', first],
    settled.stderr,
  );
  await assertSound(site, first);
  await letGo(site);
  const called = await site.call('deploy');
  assert.equal([called.code, called.document.from, called.document.active], [0, first, second], called.stderr);
  await assertSound(site, second, called);
});
