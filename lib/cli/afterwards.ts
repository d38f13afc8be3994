import { readdir } from 'node:fs/promises';
import { isBuildId } from '../builds/layout.ts';
import type { Place } from '../deployer/place.ts';
import type { RunDocument } from '../run/document.ts';

/** Current and previous stay beside the builds that `keep` counts. */
const others = 2;
const evidenceKept = 20;
const ledgersKept = 100;

/** What follows an outcome that is told already, and never changes it: the keep rules, where there is more than they keep. */
export async function pruneAfterwards({ outcome }: RunDocument, place: Place): Promise<void> {
  if (outcome !== 'deployed' && outcome !== 'rolled_back') return;
  const { target, paths } = place;
  const [names, evidence, ledgers] = await Promise.all(
    [target.builds, paths.evidence, paths.runs].map((directory) => readdir(directory).catch(() => [])),
  );
  const builds = names?.filter((name) => isBuildId(name)) ?? [];
  const isLeft = names?.some((name) => name.startsWith('.')) ?? false;
  const isMore = builds.length > target.keep + others || (evidence?.length ?? 0) > evidenceKept;
  if (!isMore && !isLeft && (ledgers?.length ?? 0) <= ledgersKept) return;
  const { pruneAfter } = await import('../deployer/prune.ts');
  await pruneAfter(place);
}
