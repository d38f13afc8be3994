// needs: sandbox
import * as assert from 'uvu/assert';
import type { Site } from '../deploy/site.ts';
import { currentLink } from '../deploy/sound.ts';
import type { Behaviour } from '../services/builds.ts';
import { suite } from '../suite.ts';
import { endedBy, momentsOf } from './death.ts';
import { assertServes, untilEnded } from './ended.ts';
import { beforeActs, fromStartOn } from './moments.ts';
import { pauseAt, pauseSettleAt } from './paused.ts';
import { crashSite } from './site.ts';
import { sweep } from './sweep.ts';

const test = suite('crash/bus', { timeoutMs: 120_000 });

const disturbances: Record<string, [string, ...string[]]> = {
  // It may not be restarted more often than five times in ten seconds, unless somebody says so.
  'the bus is restarted': [
    'bash',
    '-c',
    'systemctl reset-failed dbus.service dbus.socket; systemctl restart dbus.service',
  ],
  'systemd is executed anew': ['systemctl', 'daemon-reexec'],
};
const builds: Record<string, { behaviour: Behaviour; code: number; of: typeof beforeActs }> = {
  'a good build': { behaviour: {}, code: 0, of: beforeActs },
  'a bad build': { behaviour: { mode: 'status' }, code: 4, of: (moments) => fromStartOn(beforeActs(moments)) },
};

for (const [what, disturbance] of Object.entries(disturbances)) {
  for (const [build, { behaviour, code, of }] of Object.entries(builds)) {
    test(`S4: ${what} at each step of the deploy of ${build}: it ends as ever`, async (t) => {
      const site = await crashSite(t);
      await site.add(behaviour);
      const moments = of(await momentsOf(site, 'deploy'));
      await sweep(moments, () => crashSite(t), disturbDeploy, { lanes: 1 });

      async function disturbDeploy(own: Site, moment: string): Promise<void> {
        const from = (await currentLink(own)) ?? '';
        const to = await own.add(behaviour);
        const paused = await pauseAt(own, 'deploy', moment);
        await own.sandbox.run(...disturbance);
        await paused.resume();
        const called = await paused.end();
        assert.is(called.code, code, called.stderr);
        await untilEnded(own);
        await assertServes(own, code === 0 ? to : from);
      }
    });
  }

  test(`S8: ${what} at each step of the settle that systemd runs: the build before is back`, async (t) => {
    const site = await crashSite(t);
    await site.add();
    const { settles } = await endedBy(site, 'deploy', { deploy: [atWorst] });
    await sweep(beforeActs(settles[0]?.passed ?? []), () => crashSite(t), disturbSettle, { lanes: 1 });

    async function disturbSettle(own: Site, moment: string): Promise<void> {
      const from = (await currentLink(own)) ?? '';
      await own.add();
      const paused = await pauseSettleAt(own, atWorst, moment);
      await own.sandbox.run(...disturbance);
      await paused.resume();
      await untilEnded(own);
      await assertServes(own, from);
    }
  });
}

const atWorst = 'sent StartUnit:1';
