import { answerWithin } from '../../base/wait.ts';
import { currentBuild } from '../../builds/current.ts';
import type { MonitorConfig } from '../../config/model.ts';
import type { Place } from '../../deployer/place.ts';
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
  const { deployedMs } = await readInTime(signal, async () =>
    readPastRuns(paths, await currentBuild(target.builds), Date.now()),
  );
  return { ...known, isInBake: deployedMs !== null && deployedMs < known.rules.bakeMs };
}

/** What is known without a look at builds and runs. */
export async function knownBefore({
  target,
  paths,
}: Pick<Place, 'target' | 'paths'>): Promise<Omit<Known, 'isInBake'>> {
  const state = await readState(paths);
  return { rules: target.monitor ?? onlyTelling, before: state ?? emptyState(), startsBefore: state };
}

function emptyState(): MonitorState {
  return { version: 1, at: new Date().toISOString(), restarts: 0, problems: {}, alerts: {} };
}
