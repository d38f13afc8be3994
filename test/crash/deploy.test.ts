// needs: sandbox
import * as assert from 'uvu/assert';
import { suite } from '../suite.ts';
import type { Site } from '../deploy/site.ts';
import { currentLink } from '../deploy/sound.ts';
import { momentsOf } from './death.ts';
import { assertServes } from './ended.ts';
import { killDeploy } from './rounds.ts';
import { crashSite } from './site.ts';
import { sweep } from './sweep.ts';

const test = suite('crash/deploy', { timeoutMs: 240_000 });

test('S4, S8: the deployer of a good build is killed at every moment', async (t) => {
  const site = await crashSite(t, { builds: [{}, {}] });
  await sweep(await momentsOf(site, 'deploy'), { first: site, another: () => crashSite(t) }, killAndDeployAgain);
});

/** The next deploy needs nobody. */
async function killAndDeployAgain(site: Site, moment: string): Promise<boolean> {
  const from = (await currentLink(site)) ?? '';
  const { serves, isKilled } = await killDeploy(site, moment);
  const isProven = serves !== from;
  const next = await site.call('deploy');
  assert.equal([next.code, next.document.outcome], [0, isProven ? 'unchanged' : 'deployed'], next.stderr);
  await assertServes(site, next.document.to ?? '');
  return isKilled;
}
