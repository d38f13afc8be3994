// needs: sandbox
// deadline: 10min
import * as assert from 'uvu/assert';
import type { Site } from '../deploy/site.ts';
import { makeOverlapSite, makeSocketSite } from '../deploy/socket-site.ts';
import { currentLink } from '../deploy/sound.ts';
import { suite } from '../suite.ts';
import { momentsOf } from './death.ts';
import { assertServes, untilEnded, untilStartedAnew } from './ended.ts';
import { fromFirstStepOn, linesOf } from './moments.ts';
import type { ProcessRecord } from './orders.ts';
import { pauseAt } from './paused.ts';
import { crashSite, type MakeSite } from './site.ts';
import { collectProblems } from './sweep.ts';

const test = suite('crash/overlap, other hands', { timeoutMs: 120_000 });

/** What somebody does while the deployer stands still. */
const hands: Record<string, (site: Site) => Promise<unknown>> = {
  'the stand-in is killed': killStandIn,
  'both services are killed': (site) => Promise.all([killMain(site), killStandIn(site)]),
  'the socket is closed': ({ sandbox, socket = '' }) => sandbox.exec(['systemctl', 'stop', socket]),
};

/** The stand-in is up; the link is moved; the main unit is up; all is proven. */
const whens = /^step (swap|gate) done$|^step (stand-in|restart) applied$/;

for (const [what, lay] of Object.entries(hands)) {
  test(`S4: ${what} in each state of a deploy with a stand-in: it ends on a proven build, and nobody is needed`, async (t) => {
    const site = await crashSite(t, {}, makeOverlapSite);
    await disturb(site, lay, { isKilled: false });
  });
}

test('S8: both services and the deployer are killed in each state of a deploy with a stand-in', async (t) => {
  const site = await crashSite(t, {}, makeOverlapSite);
  await disturb(site, hands['both services are killed'] ?? killStandIn, { isKilled: true });
});

for (const [strategy, make] of [
  ['socket', makeSocketSite],
  ['overlap', makeOverlapSite],
] as [string, MakeSite][]) {
  test(`S8: the socket is closed and the deployer killed in each state of a deploy (${strategy})`, async (t) => {
    const site = await crashSite(t, {}, make);
    await disturb(site, hands['the socket is closed'] ?? killStandIn, { isKilled: true });
  });
}

async function disturb(
  site: Site,
  lay: (site: Site) => Promise<unknown>,
  { isKilled }: { isKilled: boolean },
): Promise<void> {
  await site.add();
  const moments = statesOf(await momentsOf(site, 'deploy'));
  await collectProblems(
    moments,
    ({ what }) => what,
    async ({ moment }) => {
      const from = (await currentLink(site)) ?? '';
      const to = await site.add();
      const paused = await pauseAt(site, 'deploy', moment);
      await lay(site);
      if (isKilled) await paused.kill();
      else await paused.resume();
      const code = isKilled ? null : (await paused.end()).code;
      await untilEnded(site);
      await untilStartedAnew(site);
      assert.ok(isKilled ? code === null : code === 0 || code === 4, `exit ${code}`);
      await assertServes(site, code === 0 ? to : from);
    },
  );
}

function statesOf(moments: ProcessRecord['passed']): ProcessRecord['passed'] {
  return linesOf(fromFirstStepOn(moments)).filter(({ what }) => whens.test(what));
}

async function killStandIn({ sandbox, app }: Site): Promise<void> {
  await sandbox.exec(['systemctl', 'kill', '--signal=KILL', `${app}-next@*.service`]);
}

async function killMain({ sandbox, unit }: Site): Promise<void> {
  await sandbox.exec(['systemctl', 'kill', '--signal=KILL', unit]);
}
