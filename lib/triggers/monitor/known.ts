import { currentBuild } from '../../builds/current.ts';
import type { MonitorConfig } from '../../config/model.ts';
import type { Place } from '../../deployer/place.ts';
import { readPastRuns } from './past.ts';
import { type MonitorState, readState } from './state.ts';

/** What a pass knows before it looks. */
export interface Known {
  rules: MonitorConfig;
  before: MonitorState;
  /** the restarts by systemd that are no news; null: not known */
  restartsBefore: number | null;
  /** whether the build in service was deployed so lately that a failure rolls back */
  isInBake: boolean;
}

/** Without a table [monitor] it is only looked and told. */
const onlyTelling: MonitorConfig = { everyMs: 300_000, failures: 3, action: 'alert', bakeMs: 0 };

/** Reads what the pass before and earlier runs left. @throws `permission`, `no_build` */
export async function readKnown({ target, paths }: Pick<Place, 'target' | 'paths'>): Promise<Known> {
  const rules = target.monitor ?? onlyTelling;
  const [state, current] = await Promise.all([readState(paths), currentBuild(target.builds)]);
  const { lastRun, deployedMs } = await readPastRuns(paths, current, Date.now());
  // A run starts the unit itself, and systemd's count begins anew.
  const restartsBefore = state === null ? null : state.last_run === lastRun ? state.restarts : 0;
  const isInBake = deployedMs !== null && deployedMs < rules.bakeMs;
  return { rules, before: state ?? emptyState(lastRun), restartsBefore, isInBake };
}

function emptyState(lastRun: string | null): MonitorState {
  return { version: 1, at: new Date().toISOString(), last_run: lastRun, restarts: 0, problems: {}, alerts: {} };
}
