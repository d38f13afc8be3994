// needs: sandbox
import * as assert from 'uvu/assert';
import { isBuildsFault } from '../../lib/deploy/go-back.ts';
import { readQuarantine } from '../../lib/run/quarantine.ts';
import { statePathsIn } from '../../lib/run/state.ts';
import type { Site } from '../deploy/site.ts';
import { currentLink } from '../deploy/sound.ts';
import { suite, type TestContext } from '../suite.ts';
import { assertKilled, endedBy, momentsOf, endOfNewestRun } from './death.ts';
import { assertServes } from './ended.ts';
import { badKinds, type Kind, letsThievesIn } from './kinds.ts';
import { fromStartOn, linesOfItsOwn } from './moments.ts';
import { crashSite } from './site.ts';
import { sweep } from './sweep.ts';
import { tellingOf, truthOf } from './truth.ts';

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
  await sweep(moments, { first, another: () => badSite(t, kind) }, (site, moment) => killDeploy(site, moment, kind));
}

function badSite(t: TestContext, { options }: Kind): Promise<Site> {
  return crashSite(t, { ...options, service: letsThievesIn });
}

function addBad(site: Site, { behaviour, add }: Kind): Promise<string> {
  return add ? add(site) : site.add(behaviour);
}

/** Whenever the deployer dies, the proven build serves; and what was seen of the bad one is not forgotten. */
async function killDeploy(site: Site, moment: string, kind: Kind): Promise<void> {
  const from = (await currentLink(site)) ?? '';
  const to = await addBad(site, kind);
  const death = await endedBy(site, 'deploy', { deploy: [moment] });
  const { code, ledger } = death;
  if (kind.varies && code === 4) return assertServes(site, from);
  assertKilled(death);
  await assertServes(site, from);
  if (!ledger) return undefined;
  const { failure, ...document } = await endOfNewestRun(site);
  const quarantine = await readQuarantine(statePathsIn(site.sandbox.hostPath(site.state)));
  assert.is(to in quarantine, failure !== null && isBuildsFault(failure), `quarantined for ${failure?.reason}`);
  return assert.equal(tellingOf({ ...document, failure }), truthOf(ledger, from));
}
