// needs: sandbox
import * as assert from 'uvu/assert';
import type { Site } from '../deploy/site.ts';
import { currentLink } from '../deploy/sound.ts';
import type { Behaviour } from '../services/builds.ts';
import { suite } from '../suite.ts';
import { endedBy, momentsOf } from './death.ts';
import { assertServes, untilEnded } from './ended.ts';
import { beforeActs, fromStartOn, whileAsking } from './moments.ts';
import { pauseAt, pauseSettleAt } from './paused.ts';
import { crashSite } from './site.ts';
import { sweep } from './sweep.ts';

const test = suite('crash/bus', { timeoutMs: 120_000 });

/** What is done to systemd, and when: executed anew, it only disturbs whoever waits for an answer. */
const disturbances: Record<string, { command: [string, ...string[]]; at: typeof beforeActs }> = {
  'the bus is restarted': {
    // It may not be restarted more often than five times in ten seconds, unless somebody says so.
    command: ['bash', '-c', 'systemctl reset-failed dbus.service dbus.socket; systemctl restart dbus.service'],
    at: beforeActs,
  },
  'systemd is executed anew': { command: ['systemctl', 'daemon-reexec'], at: whileAsking },
};

for (const [what, { command, at }] of Object.entries(disturbances)) {
  test(`S4: ${what} at each step of the deploy of a good build: it ends as ever`, async (t) => {
    const first = await crashSite(t);
    await first.add();
    const moments = beforeActs(await momentsOf(first, 'deploy'));
    await sweep(moments, { first, another: () => crashSite(t), lanes: 1 }, (site, moment) =>
      disturbDeploy(site, moment, { command, behaviour: {}, code: 0 }),
    );
  });

  test(`S4: ${what} at each step of the deploy of a bad build: it ends as ever`, async (t) => {
    const first = await crashSite(t);
    const behaviour: Behaviour = { mode: 'status' };
    await first.add(behaviour);
    const moments = at(fromStartOn(await momentsOf(first, 'deploy')));
    await sweep(moments, { first, another: () => crashSite(t), lanes: 1 }, (site, moment) =>
      disturbDeploy(site, moment, { command, behaviour, code: 4 }),
    );
  });

  test(`S8: ${what} at each step of the settle that systemd runs: the build before is back`, async (t) => {
    const first = await crashSite(t);
    await first.add();
    const { settles } = await endedBy(first, 'deploy', { deploy: [atWorst] });
    const moments = at(settles[0]?.passed ?? []);
    await sweep(moments, { first, another: () => crashSite(t), lanes: 1 }, async (site, moment) => {
      const from = (await currentLink(site)) ?? '';
      await site.add();
      const paused = await pauseSettleAt(site, { deploy: atWorst, moment }, { mayMiss: true });
      if (paused.hasCome) {
        await site.sandbox.run(...command);
        await paused.resume();
      }
      await untilEnded(site);
      await assertServes(site, from);
      return paused.hasCome;
    });
  });
}

const atWorst = 'sent StartUnit:1';

interface Disturbance {
  command: [string, ...string[]];
  behaviour: Behaviour;
  /** what the deploy exits with all the same */
  code: number;
}

/** @returns whether it was disturbed: only a slow run may have that moment */
async function disturbDeploy(site: Site, moment: string, { command, behaviour, code }: Disturbance): Promise<boolean> {
  const from = (await currentLink(site)) ?? '';
  const to = await site.add(behaviour);
  const paused = await pauseAt(site, 'deploy', moment, { mayMiss: true });
  if (paused.hasCome) {
    await site.sandbox.run(...command);
    await paused.resume();
  }
  const called = await paused.end();
  assert.is(called.code, code, called.stderr);
  await untilEnded(site);
  await assertServes(site, code === 0 ? to : from);
  return paused.hasCome;
}
