import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../base/errors.ts';
import { writeDurably } from '../base/files.ts';
import { expositionOf } from '../report/metrics/exposition.ts';
import { familiesOf } from '../report/metrics/families.ts';
import { readTotals } from '../run/totals.ts';
import { metricFacts } from './metrics.ts';
import type { Place } from './place.ts';

/** node_exporter is another user. */
const readableByAll = 0o644;
/** Others that end a run at the same moment write too. */
const mostWrites = 5;

/**
 * Writes the metrics of a target for node_exporter's textfile collector: whole at every instant, readable by all.
 * @param directory where the collector looks; it is not made, since then nobody would read it
 * @returns what is wrong, in one sentence; null: written
 */
export async function writeMetricsFile(
  place: Pick<Place, 'target' | 'paths' | 'systemd' | 'config' | 'signal'>,
  directory: string,
): Promise<string | null> {
  const { config, target, paths } = place;
  // `@` stands in no name, so no two targets share a file.
  const path = join(directory, `cutover-${config.app}@${target.name}.prom`);
  try {
    await stat(directory);
    let facts = await metricFacts(place);
    for (let writes = 1; ; writes += 1) {
      await writeDurably(path, expositionOf(familiesOf([facts])), readableByAll);
      // Whoever read earlier and wrote later would have put a counter back: the last to write has looked once more.
      const isLast = JSON.stringify(await readTotals(paths)) === JSON.stringify(facts.tally);
      if (isLast || writes === mostWrites) return null;
      facts = await metricFacts(place);
    }
  } catch (error) {
    return `the metrics were not written to ${path}: ${messageOf(error)}`;
  }
}
