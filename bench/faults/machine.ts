import { setTimeout as sleep } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { momentsOf } from '../../test/crash/death.ts';
import { assertServes, untilEnded } from '../../test/crash/ended.ts';
import { beforeActs, fromStartOn, fromSwapOn } from '../../test/crash/moments.ts';
import { type Paused, pauseAt } from '../../test/crash/paused.ts';
import { startProber } from '../../test/crash/prober.ts';
import { crashSite } from '../../test/crash/site.ts';
import { installBootUnit } from '../../test/deploy/boot.ts';
import { makeSite, type Site } from '../../test/deploy/site.ts';
import { currentLink } from '../../test/deploy/sound.ts';
import type { Behaviour } from '../../test/services/builds.ts';
import type { TestContext } from '../../test/suite.ts';
import { type Row, Tally } from './rows.ts';

const disturbances: Record<string, [string, ...string[]]> = {
  // systemd lets it restart five times in ten seconds, unless somebody says so.
  'the bus restarted': [
    'bash',
    '-c',
    'systemctl reset-failed dbus.service dbus.socket; systemctl restart dbus.service',
  ],
  'systemd executed anew': ['systemctl', 'daemon-reexec'],
};
const candidates: Record<string, { behaviour: Behaviour; code: number }> = {
  'a good build': { behaviour: {}, code: 0 },
  'a bad build': { behaviour: { mode: 'status' }, code: 4 },
};

/** The run stands still at a step, the bus or systemd is replaced, and the run goes on. */
export async function busFaults(t: TestContext): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [what, command] of Object.entries(disturbances)) {
    for (const [build, { behaviour, code }] of Object.entries(candidates)) {
      const tally = new Tally(`${what} at each step of the deploy of ${build}`);
      const site = await crashSite(t);
      const prober = await startProber(site);
      await site.add(behaviour);
      const all = beforeActs(await momentsOf(site, 'deploy'));
      for (const { moment } of code === 0 ? all : fromStartOn(all)) {
        await tally.play(async () => {
          const from = (await currentLink(site)) ?? '';
          const to = await site.add(behaviour);
          const paused = await pauseAt(site, 'deploy', moment);
          await site.sandbox.run(...command);
          const since = Date.now();
          await paused.resume();
          const called = await paused.end();
          assert.is(called.code, code, `${moment}: exit ${called.code}`);
          await untilEnded(site);
          const tookMs = await prober.untilServes(code === 0 ? to : from, since);
          await assertServes(site, code === 0 ? to : from);
          return tookMs;
        });
      }
      await prober.stop();
      rows.push(tally.row);
    }
  }
  return rows;
}

/** Every site stands still at another moment from the swap on when the power goes; the boot unit is installed. */
export async function powerCuts(t: TestContext): Promise<Row[]> {
  const tally = new Tally('the power goes at each moment from the swap on; the machine boots');
  const dry = await makeSite(t, { builds: [{}, {}] });
  const sites: { site: Site; moment: string; isOver: boolean }[] = [];
  const paused: Paused[] = [];
  const moments = fromSwapOn(await momentsOf(dry, 'deploy'));
  const over = moments.findIndex(({ what }) => what === 'outcome');
  for (const [place, { moment }] of moments.entries()) {
    const site = await makeSite(t, { builds: [{}] });
    await installBootUnit(site);
    await site.add();
    paused.push(await pauseAt(site, 'deploy', moment));
    sites.push({ site, moment, isOver: place >= over });
  }
  const since = Date.now();
  const up = dry.sandbox.reboot();
  // What brought the dead processes into the sandbox stands still with them, and has to see their end.
  await sleep(500);
  for (const one of paused) await one.resume();
  await up;
  for (const { site, moment, isOver } of sites) {
    await tally.play(async () => {
      await untilEnded(site, 60_000);
      const link = (await currentLink(site)) ?? '';
      const { document } = await site.call('report');
      assert.is(document.outcome, isOver ? 'deployed' : 'rolled_back', moment);
      assert.is(link, document.active, moment);
      await assertServes(site, link);
      return Date.now() - since;
    });
  }
  return [tally.row];
}
