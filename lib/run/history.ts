import { readdir } from 'node:fs/promises';
import { errnoOf, fileError } from '../base/errors.ts';
import { isRunId, newRunId } from './inputs.ts';
import { type RunRecord, readLedger, recordOf } from './ledger.ts';
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
 * The builds that a gate of ours saw healthy, the newest proof first, each once.
 * @param most so many are enough
 */
export async function provenBuilds(paths: StatePaths, most: number): Promise<string[]> {
  const proven = new Set<string>();
  for await (const { document } of runsNewestFirst(paths)) {
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

/** A name for a run that begins now, behind those of all runs that can be read. */
export async function nextRunId(paths: StatePaths): Promise<string> {
  const newest = await newestRun(paths);
  return newRunId(newest?.inputs.run ?? null);
}

/** The build that was proven last among the wanted ones, or null. Reads no further back than it has to. */
export async function newestProven(paths: StatePaths, isWanted: (build: string) => boolean): Promise<string | null> {
  for await (const { document } of runsNewestFirst(paths)) {
    const found = (document ? provenBy(document) : []).find(isWanted);
    if (found !== undefined) return found;
  }
  return null;
}

/**
 * The build that served before that one did, as the run tells that brought it; null: no run tells. One that was deployed
 * once more came from itself, which tells nothing.
 */
export async function predecessorOf(paths: StatePaths, build: string): Promise<string | null> {
  for await (const { inputs, document } of runsNewestFirst(paths)) {
    if (document?.outcome === 'deployed' && inputs.to === build && inputs.from !== build) return inputs.from;
  }
  return null;
}

/** A deployed build was proven, and so was the one that a failed run went back to. */
export function provenBy({ outcome, active }: NonNullable<RunRecord['document']>): string[] {
  return (outcome === 'deployed' || outcome === 'rolled_back') && active ? [active] : [];
}
