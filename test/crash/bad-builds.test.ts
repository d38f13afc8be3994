// needs: sandbox
import * as assert from 'uvu/assert';
import { isBuildsFault } from '../../lib/deploy/go-back.ts';
import { readQuarantine } from '../../lib/run/quarantine.ts';
import { statePathsIn } from '../../lib/run/state.ts';
import type { Site } from '../deploy/site.ts';
import { currentLink } from '../deploy/sound.ts';
import { suite, type TestContext } from '../suite.ts';
import { endedBy, momentsOf, newestRun } from './death.ts';
import { assertServes } from './ended.ts';
import { badKinds, type Kind, letsThievesIn } from './kinds.ts';
import type { ProcessRecord } from './orders.ts';
import { crashSite } from './site.ts';
import { sweep } from './sweep.ts';
import { hasFailed, tellingOf, truthOf } from './truth.ts';

const test = suite('crash/bad builds', { timeoutMs: 120_000 });

for (const [name, kind] of Object.entries(badKinds)) {
  test(`S4, S8: the deployer is killed at every line from the start of a build that ${name}`, async (t) => {
    const site = await badSite(t, kind);
    await addBad(site, kind);
    const moments = await momentsOf(site, 'deploy');
    await sweep(
      fromStartOn(moments).filter(({ moment }) => moment.startsWith('line ')),
      () => badSite(t, kind),
      (own, moment) => killDeploy(own, moment, kind),
    );
  });
}

test('S4, S8: the deployer of a bad build is killed at every moment', async (t) => {
  const kind: Kind = { behaviour: { mode: 'status' } };
  const site = await badSite(t, kind);
  await addBad(site, kind);
  await sweep(
    await momentsOf(site, 'deploy'),
    () => badSite(t, kind),
    (own, moment) => killDeploy(own, moment, kind),
  );
});

function badSite(t: TestContext, { options }: Kind): Promise<Site> {
  return crashSite(t, { ...options, service: letsThievesIn });
}

function addBad(site: Site, { behaviour, add }: Kind): Promise<string> {
  return add ? add(site) : site.add(behaviour);
}

/** Up to then a bad build's deploy is like that of a good one, which is killed at all these moments elsewhere. */
function fromStartOn(moments: ProcessRecord['passed']): ProcessRecord['passed'] {
  return moments.slice(moments.findIndex(({ what }) => what === 'step start intended'));
}

/** Whenever the deployer dies, the proven build serves; and what was seen of the bad one is not forgotten. */
async function killDeploy(site: Site, moment: string, kind: Kind): Promise<void> {
  const from = (await currentLink(site)) ?? '';
  const to = await addBad(site, kind);
  const { signal, code, ledger } = await endedBy(site, 'deploy', { deploy: [moment] });
  if (kind.varies && code === 4) return assertServes(site, from);
  assert.is(signal, 'SIGKILL', 'it was not killed');
  await assertServes(site, from);
  if (!ledger) return undefined;
  const { failure, ...document } = await newestRun(site);
  const quarantine = await readQuarantine(statePathsIn(site.sandbox.hostPath(site.state)));
  assert.is(to in quarantine, failure !== null && isBuildsFault(failure), `quarantined for ${failure?.reason}`);
  if (hasFailed(ledger)) assert.is.not(failure?.reason, 'interrupted', 'it had failed before the deployer died');
  return assert.equal(tellingOf({ ...document, failure }), truthOf(ledger, from));
}
