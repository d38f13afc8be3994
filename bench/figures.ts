/** The middle of several measurements, and how far they lie apart. */
export interface Figure {
  median: number;
  min: number;
  max: number;
  count: number;
}

export function figureOf(values: readonly number[]): Figure | null {
  const sorted = values.toSorted((a, b) => a - b);
  const [min, max] = [sorted[0], sorted.at(-1)];
  if (min === undefined || max === undefined) return null;
  const middle = sorted.slice(Math.ceil(sorted.length / 2) - 1, Math.floor(sorted.length / 2) + 1);
  return { median: middle.reduce((sum, value) => sum + value, 0) / middle.length, min, max, count: sorted.length };
}

/** `155 (150–171)`; a single measurement has no range. */
export function show(figure: Figure | null, digits = 0): string {
  if (!figure) return '–';
  const { median, min, max, count } = figure;
  const middle = median.toFixed(digits);
  return count === 1 ? middle : `${middle} (${min.toFixed(digits)}–${max.toFixed(digits)})`;
}
