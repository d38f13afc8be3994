import { readdir } from 'node:fs/promises';
import { pinDirectory } from '../base/pinned-directory.ts';
import { currentBuild } from '../builds/current.ts';
import { laterThan } from '../builds/dates.ts';
import { inspectBuild } from '../builds/inspect.ts';
import { isBuildId } from '../builds/layout.ts';
import { listBuildIds } from '../builds/list.ts';
import { decideRetention, type KeepReason, type Retention } from '../builds/retention.ts';
import { readInFlight } from '../run/in-flight.ts';
import { type Quarantine, readQuarantine } from '../run/quarantine.ts';
import { listEvidence, type PastRun, provenIn, readPast, servedBefore } from '../run/retention.ts';
import type { Place } from './place.ts';
import { previousBuild } from './previous.ts';

/** All that is known of a target when it is pruned. */
export interface PruneKnowledge {
  entries: { id: string; isDirectory: boolean }[];
  current: string | null;
  previous: string | null;
  past: PastRun[];
  quarantine: Quarantine;
  evidence: string[];
  /** the run in flight */
  inFlight: string | null;
  /** the build that a run is to begin with */
  wanted?: string | null;
}

/** Reads builds and state. @throws `no_build`, `permission` */
export async function readKnowledge({ target, paths }: Pick<Place, 'target' | 'paths'>): Promise<PruneKnowledge> {
  // Says what is wrong with a builds directory that cannot be read.
  await listBuildIds(target.builds);
  const [names, current, previous, past, quarantine, evidence, mark] = await Promise.all([
    readdir(target.builds, { withFileTypes: true }),
    currentBuild(target.builds),
    previousBuild({ target, paths }),
    readPast(paths),
    readQuarantine(paths),
    listEvidence(paths),
    readInFlight(paths),
  ]);
  const found = names.filter(({ name }) => isBuildId(name));
  const entries = found.map((entry) => ({ id: entry.name, isDirectory: entry.isDirectory() }));
  return { entries, current, previous, past, quarantine, evidence, inFlight: mark?.run ?? null };
}

/** Whoever owns the directories could have put a link there that leads root to the builds or records of another target. @throws `refused` */
export async function requireOwnPlaces({ target, paths }: Pick<Place, 'target' | 'paths'>): Promise<void> {
  for (const path of [target.builds, paths.runs, paths.evidence]) await (await pinDirectory(path))?.file.close();
}

/** Which builds stay as far as builds and state tell; who uses one is asked later, and only of those that would go. */
export async function decide({ target }: Pick<Place, 'target'>, known: PruneKnowledge): Promise<Retention> {
  const { entries, current, previous, past, quarantine, inFlight, wanted } = known;
  const run = past.find((one) => one.run === inFlight);
  const stayAll = (reason: KeepReason): Retention => {
    return { stay: new Map(entries.map(({ id }) => [id, reason])), go: new Map() };
  };
  if (current === null) return stayAll('no_current');
  // Without its ledger nobody knows which builds a run is between.
  if (inFlight !== null && !run?.isUnderstood) return stayAll('in_flight');
  const protectedBy = new Map<string, KeepReason>();
  for (const id of [wanted, run?.from, run?.to, run?.back]) if (id) protectedBy.set(id, 'in_flight');
  for (const id of servedBefore(past, current)) if (!protectedBy.has(id)) protectedBy.set(id, 'served_before');
  return decideRetention({
    entries,
    current,
    previous,
    proven: provenIn(past),
    quarantined: new Set(Object.keys(quarantine)),
    protectedBy,
    keep: target.keep,
    isAddedLater: laterThan(target.builds, current),
    isWhole: async (id) => (await inspectBuild(target.builds, id)).broken === null,
  });
}
