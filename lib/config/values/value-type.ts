import { isSecretName, redact, redacted } from '../secrets.ts';

/**
 * One kind of value a key may have: how it is read, written back, and described to other tools.
 * Methods, not functions in fields: a table of rows holds types of every `T`.
 */
export interface ValueType<T = unknown> {
  /** ends the sentence "expected …" */
  readonly name: string;
  /** The value as the code uses it; @throws `WrongValue` */
  parse(value: unknown, path: string): T;
  /** The value as one would write it in TOML; `parse` reads it back. */
  format(value: T): unknown;
  readonly jsonSchema: object;
  /** a map whose entries [defaults] and a target both contribute to */
  readonly merges?: boolean;
}

/** A value that its type refuses; the reader collects them. */
export class WrongValue extends Error {
  readonly lines: readonly string[];

  constructor(lines: readonly string[]) {
    super(lines.join('\n'));
    this.name = 'WrongValue';
    this.lines = lines;
  }
}

/** The refusal of one value: `path: what (got X); expected Y`. */
export function wrong(path: string, what: string, got: unknown, expected: string): WrongValue {
  return new WrongValue([`${path}: ${what} (got ${shown(path, got)}); expected ${expected}`]);
}

/** Whether a value is a table of the document (and no list, date, or text). */
export function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

/** A value in an error message: short, and never a secret. */
function shown(path: string, value: unknown): string {
  const name = path.slice(path.lastIndexOf('.') + 1);
  if (isSecretName(name)) return redacted;
  if (typeof value === 'bigint' || typeof value === 'number') return String(value);
  if (value instanceof Date) return `the date ${value.toISOString()}`;
  const text = JSON.stringify(redact(name, value)) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
