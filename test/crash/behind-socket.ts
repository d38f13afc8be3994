import * as assert from 'uvu/assert';
import { startLoad } from '../deploy/load.ts';
import { breakInService, type Site, type SiteOptions } from '../deploy/site.ts';
import type { Suite, TestContext } from '../suite.ts';
import { endedBy, momentsOf } from './death.ts';
import type { Kind } from './kinds.ts';
import {
  aroundFailure,
  fromFirstStepOn,
  fromStartOn,
  linesOf,
  beforeActs,
  whileJobsRun,
  withoutEvidence,
} from './moments.ts';
import { deployNext } from './next.ts';
import type { ProcessRecord } from './orders.ts';
import { addBad, killBadDeploy, killDeploy, killRollback, killSettles, killWayOut } from './rounds.ts';
import { crashSite, type MakeSite } from './site.ts';
import { sweep } from './sweep.ts';

/** The link leads to the candidate by then, and systemd has been told to restart the main unit: nobody waits for the answer. */
const atWorst = 'sent RestartUnit:1';

/** Every moment of every run is played when CRASH_ALL is set; otherwise of some only those in which most can go wrong. */
const isWhole = Boolean(process.env.CRASH_ALL);

/** A bad build, when its deployer dies, and whether requests may fail while it is tried: only those that it took itself. */
interface BadKind extends Kind {
  name: string;
  isHeard: boolean;
  of: typeof linesOf;
}

/** Bad builds of every sort that shows behind a socket. */
const badKinds: readonly BadKind[] = [
  { name: 'crashes at its start', behaviour: { mode: 'crash' }, isHeard: false, varies: true, of: beforeActs },
  { name: 'exits with status 0', behaviour: { mode: 'exit0' }, isHeard: false, varies: true, of: aroundFailure },
  { name: 'answers 500', behaviour: { mode: 'status' }, isHeard: true, of: aroundFailure },
  {
    name: 'dies 150 ms after it began to listen',
    behaviour: { mode: 'crash_later', afterMs: 150 },
    options: { tables: { health: ['healthy_for = "400ms"'] } },
    isHeard: true,
    varies: true,
    of: aroundFailure,
  },
];

/** What every strategy behind a socket unit has to stand, whenever who deploys is killed. */
export function declareKills(test: Suite, make: MakeSite): void {
  test('S4, S8: the deployer of a good build is killed at every moment: no request fails', async (t) => {
    const site = await loadedSite(t, {}, make);
    await site.add();
    const moments = await momentsOf(site, 'deploy');
    await sweep(moments, { first: site, another: () => loadedSite(t, {}, make) }, async (own, moment) => {
      return (await killDeploy(own, moment)).isKilled;
    });
  });

  for (const kind of badKinds) {
    const what = kind.isHeard ? 'the old one is back' : 'the old one is back, and no request fails';
    test(`S4, S8: the deployer is killed while it tries a build that ${kind.name}: ${what}`, async (t) => {
      const another = (): Promise<Site> => (kind.isHeard ? crashSite : loadedSite)(t, kind.options, make);
      const first = await another();
      await addBad(first, kind);
      const moments = orAll(kind.of)(fromStartOn(await momentsOf(first, 'deploy')));
      await sweep(moments, { first, another, varies: kind.varies }, (own, moment) => killBadDeploy(own, moment, kind));
    });
  }

  test('S8: a rollback is killed while systemd is at work for it: no request fails', async (t) => {
    const site = await loadedSite(t, {}, make);
    await deployNext(site);
    const moments = orAll(whileJobsRun)(await momentsOf(site, 'rollback'));
    await sweep(moments, { first: site, another: () => loadedSite(t, {}, make) }, killRollback);
  });

  test('S8: a rollback from a build that crashes in service is killed: the build before comes up', async (t) => {
    const site = await crashSite(t, {}, make);
    const { to: broken } = await deployNext(site);
    await breakInService(site, broken);
    const moments = orAll(whileJobsRun)(fromFirstStepOn(await momentsOf(site, 'rollback')));
    await sweep(moments, { first: site, another: () => crashSite(t, {}, make) }, (own, moment) =>
      killWayOut(own, moment, 'SIGKILL'),
    );
  });

  test('S8: the settle that systemd runs is killed before each of its acts: no request fails', async (t) => {
    const first = await loadedSite(t, {}, make);
    const moments = orAll(beforeActs)(await momentsOfSettle(first));
    // Where the old process still drains when `current` is back, the dead deployer's own job starts the right build, and some
    // acts are not needed.
    await sweep(moments, { first, another: () => loadedSite(t, {}, make), varies: true }, async (site, moment) => {
      return (await killSettles(site, atWorst, [moment])) > 0;
    });
  });

  test('S8: one settle after the other is killed, each a line further than the one before', async (t) => {
    const site = await loadedSite(t, {}, make);
    const lines = linesOf(await momentsOfSettle(site));
    const ladder = lines.map(({ moment }) => moment);
    const killed = await killSettles(site, atWorst, ladder);
    assert.ok(killed >= 4, `only ${killed} were killed`);
  });
}

function orAll(some: typeof linesOf): typeof linesOf {
  return isWhole ? withoutEvidence : some;
}

async function momentsOfSettle(site: Site): Promise<ProcessRecord['passed']> {
  await site.add();
  const { settles } = await endedBy(site, 'deploy', { deploy: [atWorst] });
  return settles[0]?.passed ?? [];
}

/** A site whose clients ask it all the time; one request that fails fails the test. */
async function loadedSite(t: TestContext, options: SiteOptions | undefined, make: MakeSite): Promise<Site> {
  const site = await crashSite(t, options, make);
  const load = await startLoad(t, site);
  t.cleanup(async () => {
    const { sent, failed } = await load.end();
    assert.ok(sent > 0, 'nobody asked');
    assert.equal(failed, [], `of ${sent} requests`);
  });
  return site;
}
