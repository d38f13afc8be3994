import { clearTemporaryLinks } from '../builds/swap.ts';
import { settleRun } from '../deploy/settle.ts';
import type { RunDocument } from '../run/document.ts';
import { takeHold } from '../run/hold.ts';
import { readInFlight } from '../run/in-flight.ts';
import type { Place } from './place.ts';

/**
 * Does work while this process holds the target. A run that was cut off is ended before.
 * @param waitMs how long to wait for another run; 0: not at all
 * @param work receives the document of the run that was ended first, or null; and what to await before it changes anything
 * @throws `locked`, `permission`, `disk`
 */
export async function whileHeld<T>(
  place: Place,
  { doing, waitMs }: { doing: string; waitMs: number },
  work: (settled: RunDocument | null, guarded: Promise<void>) => Promise<T>,
): Promise<T> {
  const { config, target, emit } = place;
  const { lock, guarded } = await takeHold({
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
    if (await readInFlight(place.paths)) await guarded;
    const settled = await settleRun(place);
    if (settled)
      emit({ type: 'note', message: `run ${settled.run} had been cut off and was ended first: ${settled.outcome}` });
    await clearTemporaryLinks(target.builds);
    return await work(settled, guarded);
  } finally {
    // A process that ends while it is being put into its scope would leave an empty one behind.
    await guarded.catch(() => {});
    await lock.release();
  }
}
