import { realpath } from 'node:fs/promises';
import { CutoverError } from '../base/errors.ts';
import { putBackLeftOver } from '../builds/removal.ts';
import { clearTemporaryLinks } from '../builds/swap.ts';
import { stopLeftStandIns } from '../deploy/left-over.ts';
import { settleRun } from '../deploy/settle.ts';
import type { RunDocument } from '../run/document.ts';
import type { Emit } from '../run/events.ts';
import { type Hold, type HoldRequest, takeHold } from '../run/hold.ts';
import { endLeftHook } from '../run/hook-group.ts';
import { readRun } from '../run/history.ts';
import { isLiving, readInFlight } from '../run/in-flight.ts';
import { type Ground, readHolder } from '../run/lock.ts';
import type { StatePaths } from '../run/state.ts';
import { cutOffChange } from './init/cut-off.ts';
import { endChange } from './init/end-change.ts';
import type { EndedChange } from './init/ended-change.ts';
import { asItServes } from './init/strategy/proven.ts';
import type { Place } from './place.ts';
import { settlingIn } from './settling.ts';

/** What a prune holds the target for, as its lock tells: whoever asked for it. */
export const tidying = { asked: 'prune', afterRun: 'prune after a run' } as const;
const tidyingMs = 60_000;

/** A target that is held, and nothing is left on it that was cut off. */
export interface Held {
  /** with the strategy by which its unit serves now */
  place: Place;
  /** the run that was ended first; null: there was none */
  settled: RunDocument | null;
  /** the change of the unit that was ended first; null: there was none */
  ended: EndedChange | null;
  /** to be begun once the work has asked what it needs, and awaited before it changes anything */
  guard: Hold['guard'];
}

/**
 * Does work while this process holds the target. A run that was cut off is ended before, and a change of the unit.
 * @param waitMs how long to wait for another run; 0: not at all
 * @param isEmergency whether the work goes on without a lock where the state's disk is full or read-only
 * @throws `locked`, `permission`, `disk`
 */
export async function whileHeld<T>(
  place: Place,
  request: { doing: string; waitMs: number; isEmergency?: boolean },
  work: (held: Held) => Promise<T>,
): Promise<T> {
  const { target, emit } = place;
  const asked = { ...request, waitMs: await patience(place, request) };
  const hold = await takeHold({ ...(await holdRequest(place, asked)), ...tellingWhatLacks(place, request) });
  try {
    if (await readInFlight(place.paths)) await hold.guard();
    await requireNoneCutOff(hold.others, target.unit);
    await endWhatHooksLeft(place);
    const settled = await settleRun(settlingIn(place));
    if (settled) tellSettled(settled, emit);
    // What a swap or a prune left when it was killed: a link that leads nowhere, builds out of reach.
    const { builds } = target;
    await Promise.all([clearTemporaryLinks(builds), putBackLeftOver(builds), stopLeftStandIns(place, target)]);
    const ended = await endChange({ ...place, systemd: place.ownersSystemd });
    return await work({ place: await asItServes(place), settled, ended, guard: hold.guard });
  } finally {
    await hold.release();
  }
}

/** A way back that is wanted now is not refused for the sake of old builds. @returns milliseconds to wait for another run */
async function patience(
  { paths }: Place,
  { waitMs, isEmergency = false }: { waitMs: number; isEmergency?: boolean },
): Promise<number> {
  const holder = isEmergency ? await readHolder(paths) : null;
  const isTidying =
    holder !== null && Object.values<string>(tidying).includes(holder.doing) && (await isLiving(holder));
  return isTidying ? Math.max(waitMs, tidyingMs) : waitMs;
}

/** A run goes on unguarded; one without a lock only where nothing else is left. */
function tellingWhatLacks(
  { target, emit }: Place,
  { isEmergency = false }: { isEmergency?: boolean },
): Pick<HoldRequest, 'onUnguarded' | 'onLockless'> {
  const tell = (what: string, why: string): void => emit({ type: 'note', message: `${what}: ${why}` });
  return {
    onUnguarded: (why) => tell('systemd does not guard this run, so keep the terminal open', why),
    onLockless: isEmergency ? (why) => tell(`nothing keeps another run away from ${target.name}`, why) : undefined,
  };
}

/**
 * A run or a change of another target on the same unit is ended first, by whoever has that target: what its records say is not
 * carried out with the rights of this one.
 */
async function requireNoneCutOff(others: readonly StatePaths[], unit: string): Promise<void> {
  for (const paths of others) {
    const change = await cutOffChange(paths);
    if (change) {
      const what = `${change.message}, by ${paths.directory}; nothing was changed`;
      throw new CutoverError('refused', what, { mend: change.mend });
    }
    const mark = await readInFlight(paths);
    // Of a run whose ledger is lost nobody knows what to take back.
    if (mark === null || (await readRun(paths, mark.run)) === null) continue;
    const what = `run ${mark.run} on ${unit}, of ${paths.directory}, was cut off; nothing was changed`;
    throw new CutoverError('refused', what, { mend: `cutover settle --state-directory ${paths.directory}` });
  }
}

/** What a run works on, as others find it out. */
export async function groundOf({
  config: { manager },
  target: { unit, builds },
}: Pick<Place, 'config' | 'target'>): Promise<Ground> {
  return { manager, unit, builds: await realpath(builds).catch(() => builds) };
}

function tellSettled(document: RunDocument, emit: Emit): void {
  emit({ type: 'settled', document });
  emit({ type: 'note', message: `run ${document.run} had been cut off and was ended first: ${document.outcome}` });
}

/** A hook of a process that died may go on for some seconds: nothing is begun beside it. */
async function endWhatHooksLeft({ target, config, systemd, emit }: Place): Promise<void> {
  if (Object.keys(target.hooks).length === 0) return;
  const ended = await endLeftHook({ systemd, app: config.app, target: target.name });
  if (ended > 0) emit({ type: 'note', message: `${ended} processes of a hook that a dead run had left were ended` });
}

/** What it takes to hold the place's target; whoever asks decides what to say when systemd does not guard it. */
export async function holdRequest(
  place: Place,
  { doing, waitMs }: { doing: string; waitMs: number },
): Promise<Omit<HoldRequest, 'onUnguarded'>> {
  const { config, target, emit, systemd, paths, signal, settle, environment } = place;
  const names = { app: config.app, target: target.name, ground: groundOf(place) };
  const onWaiting = (message: string): void => emit({ type: 'waiting', message });
  return { ...names, systemd, paths, signal, settle, environment, doing, waitMs, onWaiting };
}
