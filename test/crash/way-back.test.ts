// needs: sandbox
import * as assert from 'uvu/assert';
import type { Site } from '../deploy/site.ts';
import { currentLink } from '../deploy/sound.ts';
import { suite } from '../suite.ts';
import { endedBy, momentsOf, endOfNewestRun } from './death.ts';
import { assertServes, untilEnded } from './ended.ts';
import { placeOf } from './moments.ts';
import type { ProcessRecord } from './orders.ts';
import { pauseAt, pauseSettleAt } from './paused.ts';
import { crashSite } from './site.ts';

const test = suite('crash/way back');

/** The old build runs again, and is about to be proven. */
const isUpAgain = /^step stop reverted$/;

test('S4: somebody kills the old build once while a run goes back to it: systemd starts it again, and nobody is needed', async (t) => {
  const site = await crashSite(t);
  await site.add({ mode: 'status' });
  const moment = momentOf(await momentsOf(site, 'deploy'));
  const from = (await currentLink(site)) ?? '';
  await site.add({ mode: 'status' });
  const paused = await pauseAt(site, 'deploy', moment);
  await killService(site);
  await paused.resume();
  const called = await paused.end();
  assert.equal([called.code, called.document.outcome], [4, 'rolled_back'], called.stderr);
  await untilEnded(site);
  await assertServes(site, from);
});

test('S8: somebody kills the old build once while settle goes back to it: the same', async (t) => {
  const site = await crashSite(t);
  const from = (await currentLink(site)) ?? '';
  await site.add();
  const deploy = 'sent StartUnit:1';
  const { settles } = await endedBy(site, 'deploy', { deploy: [deploy] });
  const paused = await pauseSettleAt(site, { deploy, moment: momentOf(settles[0]?.passed ?? []) });
  await killService(site);
  await paused.resume();
  await untilEnded(site);
  await assertServes(site, from);
  assert.is((await endOfNewestRun(site)).outcome, 'rolled_back');
});

function momentOf(moments: ProcessRecord['passed']): string {
  return moments[placeOf(moments, isUpAgain)]?.moment ?? '';
}

async function killService({ sandbox, unit }: Site): Promise<void> {
  await sandbox.run('systemctl', 'kill', '--signal=KILL', unit);
}
