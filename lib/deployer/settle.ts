import { CutoverError } from '../base/errors.ts';
import { clearTemporaryLinks, removeCurrent, swapCurrent } from '../builds/swap.ts';
import type { RunDocument } from '../run/document.ts';
import { stopLeftStandIns } from '../deploy/left-over.ts';
import { settleRun } from '../deploy/settle.ts';
import { holdTarget } from '../run/hold.ts';
import { readRun } from '../run/history.ts';
import { isFromBefore, readInFlight } from '../run/in-flight.ts';
import { isOneWay } from '../run/inputs.ts';
import { withSecrets } from '../run/kept-inputs.ts';
import { openLedger, type RunRecord } from '../run/ledger.ts';
import { takeLock } from '../run/lock.ts';
import { isUp } from '../systemd/facts.ts';
import { type StatePaths, statePathsIn } from '../run/state.ts';
import type { Config, TargetConfig } from '../config/model.ts';
import { holdRequest, whileHeld } from './held.ts';
import { readAdoption } from './init/adopt/record.ts';
import { readRecord } from './init/strategy/record.ts';
import type { Place } from './place.ts';
import { settlingIn } from './settling.ts';

/** At boot nobody else is at work for long, and the unit waits. */
const bootWaitMs = 10_000;
const nobodyWaits = (): void => {};

/** Ends an interrupted run, if there is one (`null`: there was none). @throws `locked`: the run is still at work */
export async function settle(place: Place, { waitMs }: { waitMs: number }): Promise<RunDocument | null> {
  const mark = await readInFlight(place.paths);
  if (!mark) return null;
  const hold = await holdTarget({ ...(await holdRequest(place, { doing: 'settle', waitMs })), onUnguarded: () => {} });
  try {
    const isReadable = (await readRun(place.paths, mark.run)) !== null;
    const settled = await settleRun(settlingIn(place));
    await stopLeftStandIns(place, place.target);
    if (!isReadable) await requireUp(place, mark.run);
    return settled;
  } finally {
    await hold.release();
  }
}

/**
 * Ends a change of strategy, or a move into a builds directory, that was cut off.
 * @returns what was done, in words; null: there was none
 * @throws `failed` where the service does not serve since, or not all of it can be written down; `locked`: it is still at work
 */
export async function settleChange(place: Place, { waitMs }: { waitMs: number }): Promise<string | null> {
  const isCutOff = (await readRecord(place.paths)) !== null || (await readAdoption(place.paths)) !== null;
  if (!isCutOff) return null;
  return whileHeld(place, { doing: 'settle', waitMs }, async ({ ended }) => {
    if (ended?.failure) throw ended.failure;
    return ended?.text ?? null;
  });
}

/** A mark whose ledger is lost or torn at its first line tells of no step to take back: then what runs is what counts. */
async function requireUp({ target, systemd }: Place, run: string): Promise<void> {
  const facts = await systemd.facts(target.unit);
  if (isUp(facts)) return;
  const what = `${target.unit} is ${facts.activeState}, and the record of run ${run} cannot be read`;
  throw new CutoverError('failed', what, { mend: `cutover rollback ${target.name}` });
}

/**
 * Puts `current` back on the last proven build after a power cut, before the unit starts: on the disk alone, since
 * whoever waits for the unit's job now would wait for themselves. The run itself is settled afterwards.
 * @returns the build that `current` names now; null when there was nothing to put back
 * @throws `locked`, `permission`, `disk`
 */
export async function putBackAtBoot(paths: StatePaths, signal: AbortSignal): Promise<string | null> {
  const mark = await readInFlight(paths);
  if (!mark || !(await isFromBefore(mark))) return null;
  const lock = await takeLock(paths, { doing: 'settle at boot', waitMs: bootWaitMs, signal, onWaiting: nobodyWaits });
  try {
    const record = await readRun(paths, mark.run);
    if (!record || record.document || !record.hasActed) return null;
    return await putBack(record, paths);
  } finally {
    await lock.release();
  }
}

async function putBack({ inputs }: RunRecord, paths: StatePaths): Promise<string | null> {
  const { run, back, to, target } = inputs;
  // Without a build to go back to, a rollback goes on; a first deploy leaves nothing.
  const proven = back ?? (isOneWay(inputs) ? to : null);
  await clearTemporaryLinks(target.builds);
  if (proven === null) await removeCurrent(target.builds);
  else await swapCurrent(target.builds, proven);
  // Where it cannot be written down, what runs tells the settle that follows.
  await noteBoot(paths, run).catch(() => {});
  return proven;
}

async function noteBoot(paths: StatePaths, run: string): Promise<void> {
  const ledger = await openLedger(paths, run);
  try {
    await ledger.write({ type: 'boot' }, { isDurable: true });
  } finally {
    await ledger.close();
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
  const { inputs } = await withSecrets(record.inputs);
  const { app, manager, logs, target, configFile: file = null } = inputs;
  const targets = { [target.name]: target };
  const none = { file, metrics: null, notify: [], recovery: null, serve: null };
  return { config: { ...none, app, manager, targets, state: stateDirectory, logs }, target, paths };
}
