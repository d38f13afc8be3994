import type { Mark } from './observed.ts';

/** The part of an act that is drawn: so many slots of so many milliseconds each. */
export interface PictureWindow {
  fromMs: number;
  slotMs: number;
  slots: number;
  /** how many columns there are; the labels of the last steps may need more than the slots */
  columns: number;
}

/** What stands left of the first slot. */
export const rowHeadWidth = 15;

const slotSizesMs = [10, 20, 25, 50, 75, 100, 200, 250, 500, 1_000, 2_000, 5_000];
const leadSlots = 5;
/** enough to see that it goes on well */
const tailSlots = 14;

/** Lays a window around the marks, with slots as short as a terminal of `columns` allows. */
export function windowAround(marks: readonly Pick<Mark, 'atMs'>[], columns: number): PictureWindow {
  const times = marks.map(({ atMs }) => atMs);
  const [firstMs, lastMs] = [Math.min(...times), Math.max(...times)];
  const width = Math.max(40, columns - rowHeadWidth - 1);
  const room = width - leadSlots - tailSlots;
  const slotMs = slotSizesMs.find((size) => (lastMs - firstMs) / size <= room) ?? 10_000;
  const slots = leadSlots + Math.ceil((lastMs - firstMs) / slotMs) + tailSlots;
  return { fromMs: firstMs - leadSlots * slotMs, slotMs, slots, columns: width };
}

/** The end of a window. */
export function endOf({ fromMs, slotMs, slots }: PictureWindow): number {
  return fromMs + slots * slotMs;
}
