/** Takes secrets out of a text. */
export type Redact = (text: string) => string;

const redacted = '[redacted]';

/** Shorter values stand in too many texts by chance, and are no secrets worth the name. */
const shortest = 6;

/** So much of a value beside the mark of a cut is a part of it, and no chance. */
const shortestPart = 3;

/** How texts are cut, here and elsewhere. */
const cutMark = /(\u2026|\.{3,})/;

/**
 * Makes what takes known values out of texts: each value as it is, as an address, as JSON and as one line would have it, and each
 * line of one that has several. A longer value goes before one that is a part of it. Whoever cuts a text rarely knows its
 * secrets: what is left of a value beside `…` or `...` goes as well.
 * @param values secrets in so many words; what is shorter than six characters is left alone
 */
export function redactorOf(values: Iterable<string>): Redact {
  const forms = new Set(
    [...values]
      .flatMap(linesOf)
      .flatMap(formsOf)
      .filter(({ length }) => length >= shortest),
  );
  if (forms.size === 0) return (text) => text;
  const longestFirst = [...forms].toSorted((one, other) => other.length - one.length);
  const pattern = new RegExp(longestFirst.map(escape).join('|'), 'g');
  return (text) => withoutRests(text, longestFirst).replace(pattern, redacted);
}

/** Takes out what a cut left of a value: its beginning before the mark, its end behind it. */
function withoutRests(text: string, values: readonly string[]): string {
  if (!cutMark.test(text)) return text;
  const pieces = text.split(cutMark);
  const most = (rest: (value: string) => number): number => Math.max(...values.map(rest));
  // Each second piece is a mark; the first has none before it, and the last none behind it.
  const shown = pieces.map((piece, at) => {
    if (at % 2 === 1) return piece;
    const begun = at === pieces.length - 1 ? 0 : most((value) => beginningOf(value, piece));
    const ended = at === 0 || begun === piece.length ? 0 : most((value) => endOf(value, piece));
    const middle = piece.slice(ended, Math.max(ended, piece.length - begun));
    return `${ended > 0 ? redacted : ''}${middle}${begun > 0 ? redacted : ''}`;
  });
  return shown.join('');
}

/** How many characters at the end of a text are the beginning of a value. */
function beginningOf(value: string, text: string): number {
  const first = value.slice(0, shortestPart);
  let at = text.indexOf(first, Math.max(0, text.length - value.length));
  while (at >= 0 && !value.startsWith(text.slice(at))) at = text.indexOf(first, at + 1);
  return at < 0 ? 0 : text.length - at;
}

/** How many characters at the beginning of a text are the end of a value. */
function endOf(value: string, text: string): number {
  const last = value.slice(-shortestPart);
  let at = text.lastIndexOf(last, value.length - shortestPart);
  while (at >= 0 && !value.endsWith(text.slice(0, at + shortestPart)))
    at = at === 0 ? -1 : text.lastIndexOf(last, at - 1);
  return at < 0 ? 0 : at + shortestPart;
}

/** Keys whose values are sentences for people; what others tell things apart by may be spelled like a weak password. */
const sentences = new Set(['message', 'observed', 'expected', 'mend', 'warning', 'problem', 'ended_first']);

/** The same value with the secrets taken out of its sentences, at any depth. Names, outcomes and states stay as they are. */
export function redactSentences(value: unknown, redact: Redact): unknown {
  if (Array.isArray(value)) return value.map((item) => redactSentences(item, redact));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, item]: [string, unknown]) => {
    return [key, typeof item === 'string' && sentences.has(key) ? redact(item) : redactSentences(item, redact)];
  });
  return Object.fromEntries(entries);
}

function linesOf(value: string): string[] {
  return value
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

function formsOf(value: string): string[] {
  const asOneLine = value.replaceAll(/\s+/g, ' ');
  return [value, asOneLine, encodeURIComponent(value), JSON.stringify(value).slice(1, -1)];
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}
