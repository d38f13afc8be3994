// needs: sandbox
import * as assert from 'uvu/assert';
import { lastBeat } from '../deploy/hooking.ts';
import type { Site } from '../deploy/site.ts';
import { suite, type TestContext } from '../suite.ts';
import { momentsOf } from './death.ts';
import { killDeploy } from './rounds.ts';
import { crashSite } from './site.ts';
import { sweep } from './sweep.ts';

const test = suite('crash/hooks', { timeoutMs: 240_000 });

/** Each hook starts somebody who leaves its session, and writes the time until he is ended. */
const beating =
  "(setsid sh -c 'while :; do read -r up rest </proc/uptime; echo $up >>../../beat; sleep 0.05; done' &) ; sleep 0.1";

function siteWithHooks(t: TestContext, builds = [{}]): Promise<Site> {
  return crashSite(t, { builds, keys: ['migrate', 'smoke'].map((name) => `hooks.${name} = "${beating}"`) });
}

test('P1, S8: the deployer is killed around its hooks: nothing of them is left, and the build before serves', async (t) => {
  const site = await siteWithHooks(t, [{}, {}]);
  const all = await momentsOf(site, 'deploy');
  const moments = all.filter(
    ({ moment, what }) => moment.startsWith('sent StartTransient') || /migrate|smoke/.test(what),
  );
  assert.ok(moments.filter(({ what }) => what.includes('migrate')).length >= 3, JSON.stringify(moments));
  await sweep(moments, { first: site, another: () => siteWithHooks(t), varies: true }, killAround);
});

/** @returns whether it died, and a hook had begun to leave somebody by then: the first moments are before it */
async function killAround(site: Site, moment: string): Promise<boolean> {
  const { sandbox, app } = site;
  const before = await lastBeat(site);
  assert.ok(before > 0, 'nobody was left by the deploy before');
  const { isKilled } = await killDeploy(site, moment);
  const scopes = ['systemctl', 'list-units', `cutover.hook-${app}:*`, '--all', '--plain', '--no-legend'] as const;
  assert.is(await sandbox.run(...scopes), '', 'a scope is left');
  const last = await lastBeat(site);
  await sandbox.run('sleep', '0.3');
  assert.is(await lastBeat(site), last, 'somebody is left');
  return isKilled && last > before;
}
