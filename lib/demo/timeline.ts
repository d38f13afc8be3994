import type { Colours } from '../report/colour.ts';
import type { Mark, Sample } from './observed.ts';
import { buildPaint, type Paint } from './paint.ts';
import { type PictureWindow, rowHeadWidth } from './picture-window.ts';
import { type Slot, type SlotState, slotsOf } from './slots.ts';
import { stepRows } from './step-rows.ts';

/** What is drawn. */
export interface Picture {
  window: PictureWindow;
  samples: readonly Sample[];
  marks: readonly Mark[];
}

const charOf: Record<SlotState, string> = { answered: '━', waited: '~', some: '┅', failed: '×', wrong: '?', none: ' ' };
const meaning = {
  answered: 'answered',
  waited: 'had to wait',
  some: 'some failed',
  failed: 'failed',
  wrong: 'answered by a stranger',
};
const shownStates = ['answered', 'waited', 'some', 'failed', 'wrong'] as const;
const ticksEvery = 10;

/** Draws an act: a time axis, how the requests fared, who answered them, and when each step began. */
export function timeline(picture: Picture, colours: Colours): string[] {
  return [...timeRows(picture.window, colours), ...tracks(picture, colours)];
}

/** The time axis. */
export function timeRows(window: PictureWindow, colours: Colours): string[] {
  const row = rowWith(colours);
  return [row('ms', colours.dim(axis(window))), row('', colours.dim(ruler(window)))];
}

/** What hangs below a time axis: how the requests fared, who answered them, and when each step began. */
export function tracks({ window, samples, marks }: Picture, colours: Colours): string[] {
  const slots = slotsOf(samples, window);
  const paintOf = statePaints(colours);
  const steps = stepRows(marks, window, colours);
  const row = rowWith(colours);
  return [
    row(
      'requests',
      painted(slots, ({ state }) => [charOf[state], paintOf[state]]),
    ),
    row(
      'answered by',
      painted(slots, (slot) => [answeredBy(slot), buildPaint(slot.build, colours)]),
    ),
    ...steps.rows.map((cells, index) =>
      row(
        index === 0 ? 'steps' : '',
        painted(cells, ({ char, label }) => [char, steps.paints[label ?? -1] ?? String]),
      ),
    ),
  ];
}

function rowWith(colours: Colours): (head: string, body: string) => string {
  return (head, body) => `  ${colours.dim(head.padEnd(rowHeadWidth - 2))}${body}`.trimEnd();
}

/** What the characters of a picture mean: only those that are in it. */
export function legend(
  { window, samples, marks }: Picture,
  names: ReadonlyMap<string, string>,
  colours: Colours,
): string[] {
  const slots = slotsOf(samples, window);
  const paintOf = statePaints(colours);
  const states = shownStates.filter((state) => slots.some((slot) => slot.state === state));
  const builds = [...new Set(slots.flatMap(({ build }) => build ?? []))];
  return [
    ...states.map((state) => `${paintOf[state](charOf[state])} ${meaning[state]}`),
    ...builds.map((build) => `${buildPaint(build, colours)(build)} ${names.get(build) ?? `build ${build}`}`),
    ...(slots.some((slot) => answeredBy(slot) === nobody) ? [`${nobody} nobody`] : []),
    ...(marks.some(({ kind }) => kind === 'back') ? ['↩ taken back'] : []),
    `a column is ${window.slotMs} ms`,
  ];
}

const nobody = '·';

function answeredBy({ build, state }: Slot): string {
  return build ?? (state === 'none' ? ' ' : nobody);
}

function statePaints({ green, yellow, red, magenta, cyan }: Colours): Record<SlotState, Paint> {
  return { answered: green, waited: cyan, some: yellow, failed: red, wrong: magenta, none: String };
}

/** Paints runs of one colour at once. */
function painted<T>(items: readonly T[], look: (item: T) => [char: string, paint: Paint]): string {
  const runs: { text: string; paint: Paint }[] = [];
  for (const item of items) {
    const [char, paint] = look(item);
    const last = runs.at(-1);
    if (last?.paint === paint) last.text += char;
    else runs.push({ text: char, paint });
  }
  if (runs.at(-1)?.text.trim() === '') runs.pop();
  return runs.map(({ text, paint }) => paint(text)).join('');
}

function axis({ slotMs, slots }: PictureWindow): string {
  const ticks = Array.from({ length: Math.ceil(slots / ticksEvery) }, (_, tick) => String(tick * ticksEvery * slotMs));
  return ticks
    .map((text) => text.padEnd(ticksEvery))
    .join('')
    .trimEnd();
}

function ruler({ slots }: PictureWindow): string {
  return `┬${'─'.repeat(ticksEvery - 1)}`.repeat(Math.ceil(slots / ticksEvery)).slice(0, slots);
}
