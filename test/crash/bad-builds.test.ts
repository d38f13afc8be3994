// needs: sandbox
import type { Site } from '../deploy/site.ts';
import { suite, type TestContext } from '../suite.ts';
import { momentsOf } from './death.ts';
import { badKinds, type Kind, letsThievesIn } from './kinds.ts';
import { fromStartOn, linesOfItsOwn } from './moments.ts';
import { addBad, killBadDeploy } from './rounds.ts';
import { crashSite } from './site.ts';
import { sweep } from './sweep.ts';

const test = suite('crash/bad builds', { timeoutMs: 120_000 });

for (const [name, kind] of Object.entries(badKinds)) {
  test(`S4, S8: the deployer is killed at every line of a build that ${name}`, async (t) => {
    await killFromStartOn(t, kind, linesOfItsOwn);
  });
}

test('S4, S8: the deployer of a bad build is killed at every moment from its start on', async (t) => {
  await killFromStartOn(t, { behaviour: { mode: 'crash' }, varies: true }, (moments) => moments);
});

async function killFromStartOn(t: TestContext, kind: Kind, of: typeof linesOfItsOwn): Promise<void> {
  const first = await badSite(t, kind);
  await addBad(first, kind);
  const moments = of(fromStartOn(await momentsOf(first, 'deploy')));
  const field = { first, another: () => badSite(t, kind), varies: kind.varies };
  await sweep(moments, field, (site, moment) => killBadDeploy(site, moment, kind));
}

function badSite(t: TestContext, { options }: Kind): Promise<Site> {
  return crashSite(t, { ...options, service: letsThievesIn });
}
