/**
 * A text as one line of at most so many UTF-16 units, which is how the channels count. Control characters, and what turns the
 * direction of writing, are no part of a message; half a character is one that no channel takes.
 */
export function cut(text: string, most: number): string {
  const line = text
    .replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\u202A-\u202E\u2066-\u2069\s]+/gu, ' ')
    .replaceAll(/\p{Cs}/gu, '\uFFFD')
    .trim();
  if (line.length <= most) return line;
  const end = line.slice(0, most - 1);
  return `${/[\uD800-\uDBFF]$/.test(end) ? end.slice(0, -1) : end}…`;
}
