import * as assert from 'uvu/assert';
import type { TestContext } from '../suite.ts';
import { startLoad } from './load.ts';
import { neverWell, startDeploy, untilBegun, untilSettled, unwell } from './running.ts';
import { buildId, type Site, type SiteOptions } from './site.ts';
import { assertSound } from './sound.ts';

type MakeSite = (t: TestContext, options: SiteOptions) => Promise<Site>;
const first = buildId(1);

/** Rolls back while clients ask all the time: none of them is failed. */
export async function rollBackUnderLoad(t: TestContext, make: MakeSite): Promise<Site> {
  const site = await make(t, { builds: [{}] });
  await site.add();
  assert.is((await site.call('deploy')).code, 0);
  const load = await startLoad(t, site);
  const called = await site.call('rollback');
  const { failed } = await load.end();
  assert.equal([called.code, called.document.active, failed], [0, first, []], called.stderr);
  await assertSound(site, first, called);
  return site;
}

/** Kills the deployer in a step while clients ask all the time: the old build serves, and none of them is failed. */
export async function killUnderLoad(t: TestContext, make: MakeSite, step: string): Promise<Site> {
  const site = await make(t, { builds: [{}], tables: neverWell.tables });
  await site.add({ ...unwell, startMs: 1_000 });
  const load = await startLoad(t, site);
  const run = await startDeploy(site);
  await untilBegun(site, step);
  run.child.kill('SIGKILL');
  await untilSettled(site);
  const { failed } = await load.end();
  assert.equal(failed, []);
  await assertSound(site, first);
  return site;
}
