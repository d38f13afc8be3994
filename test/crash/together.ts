import { letGo } from '../deploy/running.ts';
import { type Called, type Site, until } from '../deploy/site.ts';

/** Calls that are at work at the same time: the builds of the site are held until all calls but one have ended. */
export async function together(site: Site, calls: readonly Promise<Called>[]): Promise<Called[]> {
  let ended = 0;
  const count = (): void => void (ended += 1);
  for (const call of calls) void call.then(count, count);
  try {
    await until('all but one have ended', async () => ended >= calls.length - 1, 50_000);
  } finally {
    await letGo(site);
  }
  return Promise.all(calls);
}
