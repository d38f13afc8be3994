import type { TestContext } from '../suite.ts';
import { makeSite, type Site, type SiteOptions } from '../deploy/site.ts';
import { makeObedient } from './orders.ts';
import { startReader } from './reader.ts';

/** Short waits, so that hundreds of runs take minutes. */
const quick = {
  health: ['attempts = 2', 'interval = "50ms"', 'timeout = "500ms"'],
  start: ['timeout = "2s"'],
};

/**
 * A site whose deployers die when told to, with a first build that is proven. From then on somebody looks at
 * `current` without pause until the test is over, and fails the test when there was once no build there.
 */
export async function crashSite(t: TestContext, { tables, ...options }: SiteOptions = {}): Promise<Site> {
  const site = await makeSite(t, { builds: [{}], ...options, tables: { ...quick, ...tables } });
  await makeObedient(site);
  const stopReader = await startReader(site);
  t.cleanup(stopReader);
  return site;
}
