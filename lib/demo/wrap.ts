/** How wide a text is at most: longer lines are harder to read. */
export const widestText = 100;

/** A number and its unit stay together. */
const beforeUnit = /(?<=\d) (?=(?:ms|s|min|h|days)\b)/g;

// oxlint-disable-next-line no-control-regex
const escapes = /\u001B\[[\d;]*m/g;

/** Breaks a text into as few lines as fit, all of about the same length and indented by two. */
export function wrap(text: string, columns: number): string[] {
  const words = text.replaceAll(beforeUnit, '\u00A0').split(' ');
  const most = Math.min(columns - 1, widestText);
  const wanted = fill(words, most).length;
  const longestWord = Math.max(...words.map((word) => visibleLength(word))) + indent.length;
  let width = most;
  while (width > longestWord && fill(words, width - 1).length === wanted) width -= 1;
  return fill(words, width).map((line) => line.replaceAll('\u00A0', ' '));
}

/** Puts things beside each other, as many in a line as fit. */
export function wrapList(things: readonly string[], columns: number, between: string): string[] {
  return fill(things, Math.min(columns - 1, widestText), between);
}

const indent = '  ';

function fill(words: readonly string[], width: number, between = ' '): string[] {
  const lines: string[] = [];
  for (const word of words) {
    const last = lines.at(-1);
    const joined = `${last}${between}${word}`;
    if (last !== undefined && visibleLength(joined) <= width) lines[lines.length - 1] = joined;
    else lines.push(`${indent}${word}`);
  }
  return lines;
}

function visibleLength(text: string): number {
  return text.replaceAll(escapes, '').length;
}
