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

/** Keys whose values are sentences for people; what others tell things apart by may be spelled like a weak password. */
const sentences = new Set(['message', 'observed', 'expected', 'mend']);

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
  return [value, encodeURIComponent(value), JSON.stringify(value).slice(1, -1)];
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}
