// needs: sandbox
import * as assert from 'uvu/assert';
import { suite } from '../suite.ts';
import { breakBuild, breakInService } from '../deploy/site.ts';
import { assertKilled, endedBy, momentsOf, endOfNewestRun } from './death.ts';
import { assertServes } from './ended.ts';
import { beforeActs, fromStartOn, linesOf } from './moments.ts';
import { deployNext } from './next.ts';
import { killRollback, killWayOut } from './rounds.ts';
import { crashSite } from './site.ts';
import { sweep } from './sweep.ts';
import { tellingOf, truthOf } from './truth.ts';

const test = suite('crash/rollback', { timeoutMs: 240_000 });

test('S8: a rollback from a healthy build is killed at every moment', async (t) => {
  const site = await crashSite(t);
  await deployNext(site);
  await sweep(await momentsOf(site, 'rollback'), { first: site, another: () => crashSite(t) }, killRollback);
});

test('S8: a rollback to a build that turns out bad is killed at every line from its start', async (t) => {
  const site = await crashSite(t);
  const { from } = await deployNext(site);
  // A crash comes to light a line earlier or later.
  await breakBuild(site, from, 'status');
  await sweep(
    linesOf(fromStartOn(await momentsOf(site, 'rollback'))),
    { first: site, another: () => crashSite(t) },
    async (own, moment) => {
      const deployed = await deployNext(own);
      await breakBuild(own, deployed.from, 'status');
      const death = await endedBy(own, 'rollback', { rollback: [moment] });
      assertKilled(death);
      const { ledger } = death;
      await assertServes(own, deployed.to);
      if (ledger) assert.equal(tellingOf(await endOfNewestRun(own)), truthOf(ledger, deployed.to));
    },
  );
});

for (const [how, signal] of [
  ['is killed: the build before comes up without anybody', 'SIGKILL'],
  ['is told to end: the build before comes up all the same', 'SIGTERM'],
] as const) {
  test(`S8: a rollback from a build that crashes in service ${how}`, async (t) => {
    const site = await crashSite(t);
    const { to: broken } = await deployNext(site);
    await breakInService(site, broken);
    const moments = beforeActs(await momentsOf(site, 'rollback')).slice(afterScope);
    await sweep(moments, { first: site, another: () => crashSite(t) }, (own, moment) =>
      killWayOut(own, moment, signal),
    );
  });
}

/** Before its first step a rollback has left no trace that it was wanted. */
const afterScope = 1;
