import type { Sample } from './observed.ts';
import type { PictureWindow } from './picture-window.ts';

/** How a column's requests fared: `wrong` were answered, but by somebody else than the service; `waited`: late, but all. */
export type SlotState = 'answered' | 'waited' | 'some' | 'failed' | 'wrong' | 'none';

/** A request that takes longer was kept waiting: an answer of the demo's service takes a millisecond or two. */
const waitFromMs = 100;

/** The requests of one column of a picture. */
export interface Slot {
  state: SlotState;
  /** who answered last */
  build: string | null;
}

/**
 * Sorts requests into the columns of a window. A column that happens to have none, because timers are not exact, is
 * like those on either side where these are alike.
 */
export function slotsOf(samples: readonly Sample[], { fromMs, slotMs, slots }: PictureWindow): Slot[] {
  const sorted: Sample[][] = Array.from({ length: slots }, () => []);
  for (const sample of samples) sorted[Math.floor((sample.atMs - fromMs) / slotMs)]?.push(sample);
  const found = sorted.map(
    (within): Slot => ({
      state: stateOf(within),
      build: within.findLast(({ build }) => build !== null)?.build ?? null,
    }),
  );
  return found.map((slot, index) => (slot.state === 'none' ? between(found[index - 1], found[index + 1]) : slot));
}

function between(before: Slot | undefined, after: Slot | undefined): Slot {
  const isAlike = before && after && before.state === after.state && before.build === after.build;
  return isAlike ? before : { state: 'none', build: null };
}

function stateOf(samples: readonly Sample[]): SlotState {
  const answers = new Set(samples.map(({ answer }) => answer));
  if (answers.size === 0) return 'none';
  if (answers.has('wrong')) return 'wrong';
  if (!answers.has('failed')) return samples.some(({ tookMs }) => tookMs >= waitFromMs) ? 'waited' : 'answered';
  return answers.has('ok') ? 'some' : 'failed';
}
