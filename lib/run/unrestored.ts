import { endsNewestFirst } from './history.ts';
import type { StatePaths } from './state.ts';

/**
 * The runs whose way back could not put the data back, since the last deploy or restore that served: their backups hold
 * the only data that the build in service is known to live with.
 */
export async function unrestoredRuns(paths: StatePaths): Promise<Set<string>> {
  const runs = new Set<string>();
  for await (const { inputs, document } of endsNewestFirst(paths)) {
    if (document?.outcome === 'deployed' && ['deploy', 'restore'].includes(inputs.kind)) break;
    if (document?.failure?.unrestored) runs.add(inputs.run);
  }
  return runs;
}
