import { answerWithin } from '../../base/wait.ts';
import { currentBuild } from '../../builds/current.ts';
import type { MonitorConfig } from '../../config/model.ts';
import type { Place } from '../../deployer/place.ts';
import { serviceKey } from './looks.ts';
import { readPastRuns } from './past.ts';
import type { Starts } from './starts.ts';
import { type MonitorState, readState } from './state.ts';

/** What a pass knows before it looks. */
export interface Known {
  rules: MonitorConfig;
  before: MonitorState;
  /** the starts of the unit that are no news; null: not known */
  startsBefore: Starts | null;
  /** whether the build in service was deployed so lately that a failure rolls back */
  isInBake: boolean;
}

/** Without a table [monitor] it is only looked and told. */
const onlyTelling: MonitorConfig = { everyMs: 300_000, failures: 3, action: 'alert', bakeMs: 0 };

/** A disk that does not answer must not hold a pass up for good. */
const readMs = 60_000;

/** What is read of builds and runs, in time. @throws `timeout` */
export function readInTime<T>(signal: AbortSignal, read: () => Promise<T>): Promise<T> {
  return answerWithin({ what: 'builds and runs could not be read', timeoutMs: readMs, signal }, read);
}

/** Reads what the pass before and earlier runs left. @throws `permission`, `timeout` */
export async function readKnown(place: Pick<Place, 'target' | 'paths' | 'signal'>): Promise<Known> {
  const { target, paths, signal } = place;
  const known = await knownBefore(place);
  const { deployedMs, proven } = await readInTime(signal, async () =>
    readPastRuns(paths, await currentBuild(target.builds), Date.now()),
  );
  const isInBake = deployedMs !== null && deployedMs < known.rules.bakeMs;
  return { ...known, before: asOf(known.before, proven), isInBake };
}

/** What is known without a look at builds and runs. */
export async function knownBefore({
  target,
  paths,
}: Pick<Place, 'target' | 'paths'>): Promise<Omit<Known, 'isInBake'>> {
  const state = await readState(paths);
  return { rules: target.monitor ?? onlyTelling, before: state ?? emptyState(), startsBefore: state };
}

/** Why what was seen no longer counts: it may be the service before a deploy that mended it; null: it does. @throws `permission`, `timeout` */
export async function whyOutdated(
  { paths, signal }: Pick<Place, 'paths' | 'signal'>,
  { before }: Known,
): Promise<string | null> {
  const { proven } = await readInTime(signal, () => readPastRuns(paths, null, Date.now()));
  return isNewer(proven, before.proven) ? `run ${proven} ended meanwhile` : null;
}

/** What was counted, and done, before a gate saw the service well says nothing about it any more. */
function asOf(state: MonitorState, proven: string | null): MonitorState {
  const { [serviceKey]: service, ...others } = state.problems;
  const isOver = state.proven !== undefined && isNewer(proven, state.proven);
  const problems = isOver || service === undefined ? others : { ...others, [serviceKey]: service };
  // Ledgers may be pruned, and what they told must not look new again.
  return { ...state, proven: isNewer(state.proven, proven) ? (state.proven ?? null) : proven, problems };
}

/** The ids of runs are in the order of their beginnings. */
function isNewer(run: string | null | undefined, than: string | null | undefined): boolean {
  return (run ?? '') > (than ?? '');
}

function emptyState(): MonitorState {
  return { version: 1, at: new Date().toISOString(), restarts: 0, problems: {}, alerts: {} };
}
