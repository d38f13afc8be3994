import type { TestContext } from '../suite.ts';
import { makeSite, type Site, type SiteOptions } from '../deploy/site.ts';
import { makeObedient } from './orders.ts';
import { startReader } from './reader.ts';

/** What is bad shows soon; what is good has time on a busy machine too. */
const quick = { health: ['attempts = 2', 'interval = "50ms"'] };

/** Makes a site with a strategy of its own. */
export type MakeSite = (t: TestContext, options: SiteOptions) => Promise<Site>;

/**
 * A site whose deployers die when told to, with a first build that is proven. From then on somebody looks at
 * `current` without pause until the test is over, and fails the test when there was once no build there.
 * @param make makes the site itself; default: one with the strategy `restart`
 */
export async function crashSite(
  t: TestContext,
  { tables, keys = [], ...options }: SiteOptions = {},
  make: MakeSite = makeSite,
): Promise<Site> {
  // What a prune leaves when it is killed is another test's matter.
  const kept = ['keep = 1000', ...keys];
  const site = await make(t, { builds: [{}], ...options, keys: kept, tables: { ...quick, ...tables } });
  await makeObedient(site);
  const stopReader = await startReader(site);
  t.cleanup(stopReader);
  return site;
}
