// needs: sandbox
import * as assert from 'uvu/assert';
import { suite } from '../suite.ts';
import type { Site } from '../deploy/site.ts';
import { currentLink } from '../deploy/sound.ts';
import { assertKilled, endedBy, momentsOf, newestRun } from './death.ts';
import { assertServes } from './ended.ts';
import { crashSite } from './site.ts';
import { sweep } from './sweep.ts';
import { outcomeOf, tellingOf, truthOf } from './truth.ts';

const test = suite('crash/deploy', { timeoutMs: 240_000 });

test('S4, S8: the deployer of a good build is killed at every moment', async (t) => {
  const site = await crashSite(t, { builds: [{}, {}] });
  await sweep(await momentsOf(site, 'deploy'), { first: site, another: () => crashSite(t) }, killDeploy);
});

/** The deploy dies; the way it ends is the ledger's; the next deploy needs nobody. */
async function killDeploy(site: Site, moment: string): Promise<void> {
  const from = (await currentLink(site)) ?? '';
  const to = await site.add();
  const death = await endedBy(site, 'deploy', { deploy: [moment] });
  assertKilled(death);
  const { ledger } = death;
  const isProven = outcomeOf(ledger) !== null;
  await assertServes(site, isProven ? to : from);
  const told = ledger && tellingOf(await newestRun(site));
  const next = await site.call('deploy');
  assert.equal([next.code, next.document.outcome], [0, isProven ? 'unchanged' : 'deployed'], next.stderr);
  await assertServes(site, to);
  if (ledger) assert.equal(told, truthOf(ledger, from));
}
