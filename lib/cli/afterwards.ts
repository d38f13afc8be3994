import { readdir } from 'node:fs/promises';
import { listBuildIds } from '../builds/list.ts';
import type { Place } from '../deployer/place.ts';
import type { RunDocument } from '../run/document.ts';

/** Current and previous stay beside the builds that `keep` counts. */
const others = 2;
const evidenceKept = 20;

/** What follows an outcome that is told already, and never changes it: the keep rules, where there is more than they keep. */
export async function pruneAfterwards({ outcome }: RunDocument, place: Place): Promise<void> {
  if (outcome !== 'deployed' && outcome !== 'rolled_back') return;
  const [builds, evidence] = await Promise.all([
    listBuildIds(place.target.builds).catch(() => []),
    readdir(place.paths.evidence).catch(() => []),
  ]);
  if (builds.length <= place.target.keep + others && evidence.length <= evidenceKept) return;
  const { pruneAfter } = await import('../deployer/prune.ts');
  await pruneAfter(place);
}
