import { clearTemporaryLinks } from '../builds/swap.ts';
import { settleRun } from '../deploy/settle.ts';
import type { RunDocument } from '../run/document.ts';
import { holdTarget } from '../run/hold.ts';
import type { Place } from './place.ts';

/**
 * Does work while this process holds the target. A run that was cut off is ended before.
 * @param waitMs how long to wait for another run; 0: not at all
 * @param work receives the document of the run that was ended first, or null
 * @throws `locked`, `permission`, `disk`
 */
export async function whileHeld<T>(
  place: Place,
  { doing, waitMs }: { doing: string; waitMs: number },
  work: (settled: RunDocument | null) => Promise<T>,
): Promise<T> {
  const { config, target, emit } = place;
  const lock = await holdTarget({
    ...place,
    app: config.app,
    target: target.name,
    doing,
    waitMs,
    onWaiting: (message) => emit({ type: 'waiting', message }),
    onUnguarded: (why) =>
      emit({ type: 'note', message: `systemd does not guard this run, so keep the terminal open: ${why}` }),
  });
  try {
    const settled = await settleRun(place);
    if (settled)
      emit({ type: 'note', message: `run ${settled.run} had been cut off and was ended first: ${settled.outcome}` });
    await clearTemporaryLinks(target.builds);
    return await work(settled);
  } finally {
    await lock.release();
  }
}
