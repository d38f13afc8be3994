import type { Colours } from '../report/colour.ts';
import type { Mark } from './observed.ts';
import { type Cell, hangLabels } from './labels.ts';
import type { Paint } from './paint.ts';
import type { PictureWindow } from './picture-window.ts';

/** Steps that begin so few columns after another share its label. */
const closeBy = 1;

interface Group {
  column: number;
  text: string;
  kind: Mark['kind'];
}

/** The rows below a picture that say where each step began, and the colour of each label in them. */
export function stepRows(
  marks: readonly Mark[],
  window: PictureWindow,
  colours: Colours,
): { rows: Cell[][]; paints: Paint[] } {
  const groups = groupsOf(marks, window);
  const paintOf = { forward: String, failed: colours.red, back: colours.yellow, good: colours.green, bad: colours.red };
  return { rows: hangLabels(groups, window.columns), paints: groups.map(({ kind }) => paintOf[kind]) };
}

function groupsOf(marks: readonly Mark[], { fromMs, slotMs, slots }: PictureWindow): Group[] {
  const groups: Group[] = [];
  for (const { atMs, label, kind } of marks) {
    const column = Math.floor((atMs - fromMs) / slotMs);
    if (column < 0 || column >= slots) continue;
    const last = groups.at(-1);
    const isSame = last && (last.column === column || (last.kind === kind && column - last.column <= closeBy));
    if (isSame) Object.assign(last, { text: `${last.text}, ${label}`, kind: worse(last.kind, kind) });
    else groups.push({ column, text: label, kind });
  }
  return groups;
}

function worse(one: Mark['kind'], other: Mark['kind']): Mark['kind'] {
  return one === 'failed' || one === 'bad' ? one : other;
}
