import type { RunDocument } from '../run/document.ts';
import { settleRun } from '../deploy/settle.ts';
import { holdTarget } from '../run/hold.ts';
import { readRun } from '../run/history.ts';
import { clearInFlight, readInFlight } from '../run/in-flight.ts';
import { type StatePaths, statePathsIn } from '../run/state.ts';
import type { Config, TargetConfig } from '../config/model.ts';
import type { Place } from './place.ts';

/** Ends an interrupted run, if there is one (`null`: nothing to do). @throws `locked`: the run is still at work */
export async function settle(place: Place, { waitMs }: { waitMs: number }): Promise<RunDocument | null> {
  if (!(await readInFlight(place.paths))) return null;
  const { config, target, emit } = place;
  const lock = await holdTarget({
    ...place,
    app: config.app,
    target: target.name,
    doing: 'settle',
    waitMs,
    onWaiting: (message) => emit({ type: 'waiting', message }),
    onUnguarded: () => {},
  });
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
  if (!record) {
    // A mark whose ledger cannot be read guards nothing: no step can have begun without a ledger line.
    await clearInFlight(paths);
    return null;
  }
  const { app, manager, logs, target } = record.inputs;
  const targets = { [target.name]: target };
  const none = { file: null, notify: [], recovery: null, serve: null };
  return { config: { ...none, app, manager, targets, state: stateDirectory, logs }, target, paths };
}
