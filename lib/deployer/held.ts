import { putBackLeftOver } from '../builds/removal.ts';
import { clearTemporaryLinks } from '../builds/swap.ts';
import { stopLeftStandIns } from '../deploy/left-over.ts';
import { settleRun } from '../deploy/settle.ts';
import type { RunDocument } from '../run/document.ts';
import type { Emit } from '../run/events.ts';
import { type Hold, type HoldRequest, takeHold } from '../run/hold.ts';
import { endLeftHook } from '../run/hook-group.ts';
import { readInFlight } from '../run/in-flight.ts';
import { readAdoption } from './init/adopt/record.ts';
import { readRecord } from './init/strategy/record.ts';
import type { Place } from './place.ts';

/**
 * Does work while this process holds the target. A run that was cut off is ended before.
 * @param waitMs how long to wait for another run; 0: not at all
 * @param work receives the document of the run that was ended first, or null; and what to begin once it has asked what it
 * needs, and to await before it changes anything
 * @throws `locked`, `permission`, `disk`
 */
export async function whileHeld<T>(
  place: Place,
  { doing, waitMs }: { doing: string; waitMs: number },
  work: (settled: RunDocument | null, guard: Hold['guard']) => Promise<T>,
): Promise<T> {
  const { target, emit } = place;
  const onUnguarded = (why: string): void =>
    emit({ type: 'note', message: `systemd does not guard this run, so keep the terminal open: ${why}` });
  const hold = await takeHold({ ...holdRequest(place, { doing, waitMs }), onUnguarded });
  try {
    if (await readInFlight(place.paths)) await hold.guard();
    await endWhatHooksLeft(place);
    const settled = await settleRun(place);
    if (settled) tellSettled(settled, emit);
    // What a swap or a prune left when it was killed: a link that leads nowhere, builds out of reach.
    await clearTemporaryLinks(target.builds);
    await putBackLeftOver(target.builds);
    await stopLeftStandIns(place, target);
    await endChange(place);
    return await work(settled, hold.guard);
  } finally {
    await hold.release();
  }
}

function tellSettled(document: RunDocument, emit: Emit): void {
  emit({ type: 'settled', document });
  emit({ type: 'note', message: `run ${document.run} had been cut off and was ended first: ${document.outcome}` });
}

/** A change of strategy, or a move into a builds directory, that was cut off leaves files that are read at the next reload: it is ended before anything else. */
async function endChange(place: Place): Promise<void> {
  const adoption = await readAdoption(place.paths);
  if (adoption !== null) {
    const { endAdoption } = await import('./init/adopt/change.ts');
    place.emit({ type: 'note', message: await endAdoption(place, adoption) });
  }
  if ((await readRecord(place.paths)) === null) return;
  const { endUnfinished } = await import('./init/strategy/way-back.ts');
  const message = await endUnfinished(place);
  if (message !== null) place.emit({ type: 'note', message });
}

/** A hook of a process that died may go on for some seconds: nothing is begun beside it. */
async function endWhatHooksLeft({ target, config, systemd, emit }: Place): Promise<void> {
  if (Object.keys(target.hooks).length === 0) return;
  const ended = await endLeftHook({ systemd, app: config.app, target: target.name });
  if (ended > 0) emit({ type: 'note', message: `${ended} processes of a hook that a dead run had left were ended` });
}

/** What it takes to hold the place's target; whoever asks decides what to say when systemd does not guard it. */
export function holdRequest(
  place: Place,
  { doing, waitMs }: { doing: string; waitMs: number },
): Omit<HoldRequest, 'onUnguarded'> {
  const { config, target, emit, systemd, paths, signal, settle, environment } = place;
  const names = { app: config.app, target: target.name };
  const onWaiting = (message: string): void => emit({ type: 'waiting', message });
  return { ...names, systemd, paths, signal, settle, environment, doing, waitMs, onWaiting };
}
