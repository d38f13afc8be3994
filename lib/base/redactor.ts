/** Takes secrets out of a text. */
export type Redact = (text: string) => string;

const redacted = '[redacted]';

/** Shorter values stand in too many texts by chance, and are no secrets worth the name. */
const shortest = 6;

/**
 * Makes what takes known values out of texts: each value as it is, as an address and as JSON would write it, and each line of
 * one that has several. A longer value goes before one that is a part of it.
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
  return (text) => text.replace(pattern, redacted);
}

function linesOf(value: string): string[] {
  return value
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

function formsOf(value: string): string[] {
  return [value, encodeURIComponent(value), JSON.stringify(value).slice(1, -1)];
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}
