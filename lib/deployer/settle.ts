import type { RunDocument } from '../run/document.ts';
import { settleRun } from '../deploy/settle.ts';
import { holdTarget } from '../run/hold.ts';
import { readRun } from '../run/history.ts';
import { readInFlight } from '../run/in-flight.ts';
import { type StatePaths, statePathsIn } from '../run/state.ts';
import type { Config, TargetConfig } from '../config/model.ts';
import { holdRequest } from './held.ts';
import type { Place } from './place.ts';

/** Ends an interrupted run, if there is one (`null`: nothing to do). @throws `locked`: the run is still at work */
export async function settle(place: Place, { waitMs }: { waitMs: number }): Promise<RunDocument | null> {
  if (!(await readInFlight(place.paths))) return null;
  const lock = await holdTarget({ ...holdRequest(place, { doing: 'settle', waitMs }), onUnguarded: () => {} });
  try {
    return await settleRun(place);
  } finally {
    await lock.release();
  }
}

/** The target of an interrupted run as its ledger describes it; null where nothing is in flight. */
export async function targetLeftBehind(
  stateDirectory: string,
): Promise<{ config: Config; target: TargetConfig; paths: StatePaths } | null> {
  const paths = statePathsIn(stateDirectory);
  const mark = await readInFlight(paths);
  const record = mark && (await readRun(paths, mark.run));
  // A mark without a usable ledger is for whoever holds the target next: here it may already be another run's.
  if (!record) return null;
  const { app, manager, logs, target } = record.inputs;
  const targets = { [target.name]: target };
  const none = { file: null, notify: [], recovery: null, serve: null };
  return { config: { ...none, app, manager, targets, state: stateDirectory, logs }, target, paths };
}
