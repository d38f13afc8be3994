import { join } from 'node:path';
import { CutoverError, isCutoverError } from '../base/errors.ts';
import { currentBuild } from '../builds/current.ts';
import { compareBuildIds } from '../builds/layout.ts';
import { asideName, removeBuilds } from '../builds/removal.ts';
import type { KeepReason } from '../builds/retention.ts';
import type { Use } from '../systemd/usage.ts';
import type { Place } from './place.ts';
import { decide, type PruneKnowledge } from './prune-known.ts';
import { addFailure, type KeptBuild, type PrunedItem, type PruneReport } from './prune-report.ts';
import { describeUsers, type Users, usersOf } from './prune-users.ts';

type PrunePlace = Pick<Place, 'target' | 'systemd' | 'signal'>;

/** What becomes of the builds. */
export interface BuildVerdict {
  go: PrunedItem[];
  kept: KeptBuild[];
}

/** Decides which builds go, users and all; changes nothing. @throws `timeout`, `bus_lost` */
export async function judgeBuilds(
  place: PrunePlace,
  known: PruneKnowledge,
  report: PruneReport,
): Promise<BuildVerdict> {
  const { builds } = place.target;
  const { stay, go } = await decide(place, known);
  const kept: KeptBuild[] = [...stay].map(([id, reason]) => ({ id, reason, by: [] }));
  const users = go.size === 0 ? none : await usersOrNote(place, report);
  report.unseen_processes = users?.unseen ?? 0;
  const items: PrunedItem[] = [];
  for (const [id, reason] of go) {
    const uses = users?.uses.get(id);
    if (!users || uses) kept.push(await keptBy(id, users ? 'used' : 'unseen', uses));
    else items.push({ kind: 'build', name: id, path: join(builds, id), reason, size_bytes: null });
  }
  return { go: items, kept: kept.toSorted(newestFirst) };
}

/**
 * Removes the builds that a verdict names. Before anything of them is gone they are out of reach, and it is asked again
 * who uses them, and what `current` is.
 * @returns what became of them; what stands in the way is in the report
 * @throws the signal's reason when aborted
 */
export async function carryOutVerdict(
  place: PrunePlace,
  known: PruneKnowledge,
  { verdict, report }: { verdict: BuildVerdict; report: PruneReport },
): Promise<BuildVerdict> {
  const { builds } = place.target;
  const ids = verdict.go.map(({ name }) => name);
  const used = new Map<string, readonly Use[]>();
  const mayGo = async (aside: readonly string[]): Promise<Set<string>> => {
    for (const [id, uses] of await usedAside(place, aside)) used.set(id, uses);
    await requireSameCurrent(builds, known.current);
    return new Set(aside.filter((id) => !used.has(id)));
  };
  const stays = await removeOrTell(place, ids, { mayGo, report });
  const staying = await Promise.all([...stays].map(([id, reason]) => keptBy(id, reason, used.get(id))));
  const go = verdict.go.filter(({ name }) => !stays.has(name));
  return { go, kept: [...verdict.kept, ...staying].toSorted(newestFirst) };
}

/** Who uses builds that are out of reach. A process that was told a path uses it still, although nothing is there any more. */
async function usedAside(place: PrunePlace, ids: readonly string[]): Promise<Map<string, Use[]>> {
  const { uses } = await usersOf(place);
  const all = ids.map((id): [string, Use[]] => [id, [asideName(id), id].flatMap((name) => uses.get(name) ?? [])]);
  return new Map(all.filter(([, some]) => some.length > 0));
}

/** @returns the builds that are still there, and why */
async function removeOrTell(
  { target: { builds }, signal }: PrunePlace,
  ids: readonly string[],
  { mayGo, report }: { mayGo: (aside: readonly string[]) => Promise<Set<string>>; report: PruneReport },
): Promise<Map<string, KeepReason>> {
  const stays = new Map<string, KeepReason>();
  try {
    const { back, problems } = await removeBuilds(builds, ids, { mayGo, signal });
    for (const id of back) stays.set(id, 'used');
    for (const [name, problem] of problems) {
      addFailure(report, { kind: 'build', name, path: join(builds, name) }, problem);
      stays.set(name, 'stuck');
    }
  } catch (error) {
    signal.throwIfAborted();
    addFailure(report, { kind: 'build', name: builds, path: builds }, error);
    for (const id of ids) stays.set(id, 'stuck');
  }
  return stays;
}

function newestFirst(a: KeptBuild, b: KeptBuild): number {
  return compareBuildIds(b.id, a.id);
}

const none: Users = { uses: new Map(), unseen: 0 };

async function usersOrNote(place: PrunePlace, report: PruneReport): Promise<Users | null> {
  try {
    return await usersOf(place);
  } catch (error) {
    if (!isCutoverError(error, 'permission')) throw error;
    report.notes.push({ message: error.message, mend: error.mend ?? null });
    report.exit_code = error.exitCode;
    return null;
  }
}

async function requireSameCurrent(builds: string, expected: string | null): Promise<void> {
  const current = await currentBuild(builds);
  if (current === expected) return;
  throw new CutoverError('refused', `current was moved to ${current ?? 'no build'} meanwhile`, {
    mend: 'cutover status',
  });
}

async function keptBy(id: string, reason: KeepReason, uses: readonly Use[] = []): Promise<KeptBuild> {
  return { id, reason, by: await describeUsers(uses) };
}
