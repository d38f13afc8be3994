import { statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { errnoOf, fileError } from '../base/errors.ts';
import type { RunDocument } from './document.ts';
import { isRunId, newRunId, type RunInputs } from './inputs.ts';
import { readEnds, readLedger, recordOf, type RunEnds, type RunRecord } from './ledger.ts';
import { ledgerPath, type StatePaths } from './state.ts';

const ending = '.jsonl';

/** The ids of all runs that left a ledger, newest first. */
export async function listRuns(paths: StatePaths): Promise<string[]> {
  const names = await readdir(paths.runs).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return [];
    throw fileError(error, 'cannot read', paths.runs);
  });
  return names
    .filter((name) => name.endsWith(ending))
    .map((name) => name.slice(0, -ending.length))
    .filter(isRunId)
    .toSorted()
    .toReversed();
}

/** One run as its ledger tells it, or null when there is no usable ledger. */
export async function readRun(paths: StatePaths, run: string): Promise<RunRecord | null> {
  const lines = await readLedger(ledgerPath(paths, run));
  return lines && recordOf(lines);
}

/** Runs from the newest on, read one by one: most questions are answered by the first few. */
export async function* runsNewestFirst(paths: StatePaths): AsyncGenerator<RunRecord> {
  for (const run of await listRuns(paths)) {
    const record = await readRun(paths, run);
    if (record) yield record;
  }
}

/**
 * The same for who asks only what a run was to do, and how it ended.
 * @param sinceMs milliseconds since the epoch: ends at what was last written to before then, as all is that is older
 */
export async function* endsNewestFirst(paths: StatePaths, sinceMs = 0): AsyncGenerator<RunEnds> {
  for (const run of await listRuns(paths)) {
    const path = ledgerPath(paths, run);
    if (sinceMs > 0 && (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0) < sinceMs) return;
    const ends = readEnds(path);
    if (ends) yield ends;
  }
}

/**
 * The builds that a gate of ours saw healthy, the newest proof first, each once.
 * @param most so many are enough
 */
export async function provenBuilds(paths: StatePaths, most: number): Promise<string[]> {
  const proven = new Set<string>();
  for await (const { document } of endsNewestFirst(paths)) {
    for (const build of document ? provenBy(document) : []) proven.add(build);
    if (proven.size >= most) break;
  }
  return [...proven].slice(0, most);
}

/** The newest run whose ledger can be read; the newest of all may be torn by a power cut. */
export async function newestRun(paths: StatePaths): Promise<RunRecord | null> {
  for await (const record of runsNewestFirst(paths)) return record;
  return null;
}

/** The same for who asks only what it was to do, and how it ended. */
export async function newestEnds(paths: StatePaths): Promise<RunEnds | null> {
  for await (const ends of endsNewestFirst(paths)) return ends;
  return null;
}

/** A name for a run that begins now, behind those of all runs that can be read. */
export async function nextRunId(paths: StatePaths): Promise<string> {
  const newest = await newestEnds(paths);
  return newRunId(newest?.inputs.run ?? null);
}

/** What the runs tell of the way back from the build in service. */
export interface WayBack {
  /** the build that was proven last before it; null: no run tells of one */
  build: string | null;
  /** the builds that a rollback left, and that were not proven again since, each with the rollback's run */
  left: ReadonlyMap<string, string>;
}

/** A rollback, and what was proven between the time that it led back to and its own. */
interface Passed {
  run: string;
  to: string;
  builds: string[];
}

/**
 * The way back from the build in service. A rollback leads back in time: what it left, and what lies between, is not taken
 * by the next one unless a later run proved it again. Reads no further back than it has to.
 * @param isWanted whether a build may be gone back to: on the disk, not quarantined, and not the one in service
 * @param sinceMs milliseconds since the epoch: nothing before then is asked for
 */
export async function wayBack(paths: StatePaths, isWanted: (build: string) => boolean, sinceMs = 0): Promise<WayBack> {
  const left = new Map<string, string>();
  const isGood = (build: string): boolean => isWanted(build) && !left.has(build);
  let passed: Passed | null = null;
  for await (const { inputs, document } of endsNewestFirst(paths, sinceMs)) {
    if (document === null) continue;
    const proven = provenBy(document);
    const isThere: boolean = passed === null || proven.includes(passed.to);
    const found = isThere ? proven.find(isGood) : undefined;
    if (found !== undefined) return { build: found, left };
    if (passed !== null) {
      if (!isThere) passed.builds.push(...proven);
      if (isThere || inputs.from === passed.to) passed = leave(passed, left);
    }
    if (isWayBack(inputs, document)) passed = begin(inputs, { left, passed });
  }
  // The time that it led back to is not recorded: the build was never proven before, or its runs were pruned.
  return { build: passed?.builds.find(isGood) ?? null, left };
}

/**
 * The proven build that something goes back to by itself, or null: the last one before the build in service. One that a
 * rollback left is taken only where there is no other.
 */
export async function newestProven(paths: StatePaths, isWanted: (build: string) => boolean): Promise<string | null> {
  const { build } = await wayBack(paths, isWanted);
  if (build !== null) return build;
  for await (const { document } of endsNewestFirst(paths)) {
    const found = (document ? provenBy(document) : []).find(isWanted);
    if (found !== undefined) return found;
  }
  return null;
}

/**
 * The build that served before that one did, as the run tells that brought it; null: no run tells. One that was deployed
 * once more came from itself, which tells nothing, nor does a rollback, which came from what it left.
 */
export async function predecessorOf(paths: StatePaths, build: string): Promise<string | null> {
  for await (const { inputs, document } of endsNewestFirst(paths)) {
    if (inputs.kind === 'rollback' || inputs.to !== build || inputs.from === build) continue;
    if (document?.outcome === 'deployed') return inputs.from;
  }
  return null;
}

/** A deployed build was proven, and so was the one that a failed run went back to. */
export function provenBy({ outcome, active }: RunDocument): string[] {
  return (outcome === 'deployed' || outcome === 'rolled_back') && active ? [active] : [];
}

/** Whether a run led back in time: a rollback, also one from nothing, as where `current` was lost. */
export function isWayBack({ kind, from, to }: RunInputs, { outcome }: RunDocument): boolean {
  return kind === 'rollback' && outcome === 'deployed' && from !== to;
}

/** A rollback inside of what another one passed over only adds what it left. */
function begin(
  { run, from, to }: RunInputs,
  { left, passed }: { left: Map<string, string>; passed: Passed | null },
): Passed {
  if (from !== null && !left.has(from)) left.set(from, run);
  return passed ?? { run, to, builds: [] };
}

function leave({ run, builds }: Passed, left: Map<string, string>): null {
  for (const build of builds) if (!left.has(build)) left.set(build, run);
  return null;
}
