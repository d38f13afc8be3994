import { readFile, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import type { Site } from '../deploy/site.ts';
import { folderOf } from './orders.ts';

/**
 * Takes from the ledgers of a site what no sync had ended for when its process stopped: a power cut may take that, and the sandbox,
 * whose machine the kernel outlives, never does. Only while none of the site's processes is at work.
 */
export async function loseUnsynced(site: Site): Promise<void> {
  const runs = site.sandbox.hostPath(`${site.state}/runs`);
  const text = await readFile(join(folderOf(site), 'synced'), 'utf8');
  const synced = text.split('\n').filter(Boolean);
  const sizes = new Map(synced.map((line) => line.split('\t')).map(([name = '', bytes]) => [name, Number(bytes)]));
  for (const [name, bytes] of sizes) await truncate(join(runs, name), bytes);
}
