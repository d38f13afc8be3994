/** A text under a column. */
export interface Label {
  column: number;
  text: string;
}

/** A piece of a drawn row; `label` is the index of the label that it belongs to. */
export interface Cell {
  char: string;
  label: number | null;
}

/**
 * Hangs labels under their columns, each as high as it fits, with a line up to its column:
 *
 *     └stop │ └start
 *           └free-port
 *
 * @param labels sorted by column, no two in one column
 */
export function hangLabels(labels: readonly Label[], width: number): Cell[][] {
  const rows: Cell[][] = [];
  // From the right: what hangs lower then starts further left, and no line crosses a text.
  for (const [index, { column, text }] of [...labels.entries()].toReversed()) {
    const isFlipped = column + text.length + 1 > width;
    const drawn = isFlipped ? `${text}┘` : `└${text}`;
    const start = Math.max(0, isFlipped ? column - text.length : column);
    let row = 0;
    while (rows[row] && !isFree(rows[row] as Cell[], start - 1, start + drawn.length + 1)) row += 1;
    rows[row] ??= blank(width);
    for (const [offset, char] of drawn.split('').entries())
      set(rows[row] as Cell[], start + offset, { char, label: index });
    for (const above of rows.slice(0, row)) set(above, column, { char: '│', label: index });
  }
  return rows;
}

function blank(width: number): Cell[] {
  return Array.from({ length: width }, () => ({ char: ' ', label: null }));
}

function isFree(row: readonly Cell[], from: number, to: number): boolean {
  return row.slice(Math.max(0, from), to).every(({ label }) => label === null);
}

function set(row: Cell[], column: number, cell: Cell): void {
  if (column < row.length && row[column]?.label === null) row[column] = cell;
}
