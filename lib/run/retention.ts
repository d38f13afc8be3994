import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, fileError } from '../base/errors.ts';
import { isWayBack, listRuns, provenBy } from './history.ts';
import { isRunId } from './inputs.ts';
import { readEnds } from './ledger.ts';
import type { Quarantine } from './quarantine.ts';
import { ledgerPath, type StatePaths } from './state.ts';

/** What a ledger is worth keeping for. */
export interface PastRun {
  run: string;
  /** false: it cannot be read, being torn or of another version */
  isUnderstood: boolean;
  /** the builds that its gate saw healthy */
  proves: string[];
  from: string | null;
  to: string | null;
  back: string | null;
  /** what served at its end; null: not known, or nothing */
  active: string | null;
  /** a rollback that led back in time, and did not come to nothing */
  isWayBack: boolean;
}

/** What the records of runs are for, besides telling people. */
export interface RecordFacts {
  /** newest first */
  past: readonly PastRun[];
  /** the builds that are still there */
  builds: ReadonlySet<string>;
  current: string | null;
  inFlight: string | null;
  quarantine: Quarantine;
  /** the runs that left evidence, newest first */
  evidence: readonly string[];
}

/** At least so many runs can be told of. */
export const ledgersKept = 100;
/** So many failures can be looked into. */
export const failuresKept = 20;

/** All past runs with what their ledgers say, newest first. @throws `permission` */
export async function readPast(paths: StatePaths): Promise<PastRun[]> {
  const past: PastRun[] = [];
  for (const run of await listRuns(paths)) {
    const record = readEnds(ledgerPath(paths, run));
    const document = record?.document ?? null;
    past.push({
      run,
      isUnderstood: record !== null,
      proves: document ? provenBy(document) : [],
      from: record?.inputs.from ?? null,
      to: record?.inputs.to ?? null,
      back: record?.inputs.back ?? null,
      active: document?.active ?? null,
      isWayBack: document !== null && record !== null && isWayBack(record.inputs, document),
    });
  }
  return past;
}

/** The runs that left evidence, newest first. @throws `permission` */
export async function listEvidence(paths: StatePaths): Promise<string[]> {
  const names = await readdir(paths.evidence).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return [];
    throw fileError(error, 'cannot read', paths.evidence);
  });
  return names.filter(isRunId).toSorted().toReversed();
}

/** The builds that these runs saw healthy, the newest proof first, each once. */
export function provenIn(past: readonly PastRun[]): string[] {
  return [...new Set(past.flatMap(({ proves }) => proves))];
}

/** What served before current does: where the run that brought it came from, and what it would have gone back to. */
export function servedBefore(past: readonly PastRun[], current: string): string[] {
  // A build that was deployed once more came from itself.
  const run = past.find(({ active, proves, from }) => active === current && proves.length > 0 && from !== current);
  return [run?.from, run?.back].filter((build) => typeof build === 'string' && build !== current) as string[];
}

/** The evidence that goes: all but the last failures', and the run's that has not ended. */
export function evidenceToGo({ evidence, inFlight }: RecordFacts): string[] {
  return evidence.slice(failuresKept).filter((run) => run !== inFlight);
}

/**
 * The ledgers that stay: the newest ones; the newest that proves a build, or that put it into quarantine, as long as the
 * build is there; those of rollbacks that left one, likewise; the newest that names current; those of the evidence that stays;
 * the one in flight; and what is not understood, since another version may.
 */
export function ledgersToStay(facts: RecordFacts): Set<string> {
  const { past, builds, current, inFlight, quarantine, evidence } = facts;
  const stay = new Set(past.slice(0, ledgersKept).map(({ run }) => run));
  for (const run of evidence.slice(0, failuresKept)) stay.add(run);
  if (inFlight !== null) stay.add(inFlight);
  for (const [build, { run }] of Object.entries(quarantine)) if (builds.has(build)) stay.add(run);
  const isProven = new Set<string>();
  for (const { run, proves, isUnderstood } of past) {
    const isNews = proves.some((build) => builds.has(build) && !isProven.has(build));
    if (isNews || !isUnderstood) stay.add(run);
    for (const build of proves) isProven.add(build);
  }
  for (const run of waysBack(past, builds)) stay.add(run);
  const naming = past.find(({ from, to, back, active }) => [from, to, back, active].includes(current));
  if (naming && current !== null) stay.add(naming.run);
  return stay;
}

/**
 * The rollbacks that left a build which is there still, and which no later run proved, each with the run that tells to what time it
 * led back: without them the next rollback would go there. Not where a later one left all of that, too.
 */
function waysBack(past: readonly PastRun[], builds: ReadonlySet<string>): string[] {
  const stay: string[] = [];
  const known = new Set<string>();
  for (const [at, run] of past.entries()) {
    if (run.isWayBack) {
      const { left, backTo } = passedBy(run, past.slice(at + 1));
      const isNews = left.some((build) => builds.has(build) && !known.has(build));
      if (isNews) stay.push(run.run, ...backTo);
      for (const build of left) known.add(build);
    }
    for (const build of run.proves) known.add(build);
  }
  return stay;
}

/** What a rollback left: the build in service, and what was proven since the time that it led back to. */
function passedBy({ from, to }: PastRun, older: readonly PastRun[]): { left: string[]; backTo: string[] } {
  const since = older.findIndex(({ proves }) => to !== null && proves.includes(to));
  const passed = older.slice(0, Math.max(since, 0)).flatMap(({ proves }) => proves);
  const left = [from, ...passed].filter((build) => build !== null);
  return { left, backTo: older.slice(since, since + 1).map(({ run }) => run) };
}

/** Where the records of a run lie. */
export function recordPaths(paths: StatePaths, run: string): { ledger: string; evidence: string } {
  return { ledger: ledgerPath(paths, run), evidence: join(paths.evidence, run) };
}
