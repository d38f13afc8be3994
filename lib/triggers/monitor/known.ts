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

/** Reads what the pass before and earlier runs left. @throws `permission`, `no_build` */
export async function readKnown({ target, paths }: Pick<Place, 'target' | 'paths'>): Promise<Known> {
  const rules = target.monitor ?? onlyTelling;
  const [state, current] = await Promise.all([readState(paths), currentBuild(target.builds)]);
  const { deployedMs } = await readPastRuns(paths, current, Date.now());
  const isInBake = deployedMs !== null && deployedMs < rules.bakeMs;
  return { rules, before: state ?? emptyState(), startsBefore: state, isInBake };
}

function emptyState(): MonitorState {
  return { version: 1, at: new Date().toISOString(), restarts: 0, problems: {}, alerts: {} };
}
