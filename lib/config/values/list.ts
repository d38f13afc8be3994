import { type ValueType, WrongValue, wrong } from './value-type.ts';

/** A list of values of one type. */
export function listOf<T>(item: ValueType<T>, { min = 0 }: { min?: number } = {}): ValueType<T[]> {
  const name = `a list, each ${item.name}`;
  return {
    name,
    parse(value, path) {
      if (!Array.isArray(value)) throw wrong(path, 'wrong kind of value', value, name);
      if (value.length < min) throw wrong(path, 'too short a list', value, name);
      return parseEach(item, value, path);
    },
    format: (values) => values.map((value) => item.format(value)),
    jsonSchema: { type: 'array', items: item.jsonSchema, ...(min > 0 ? { minItems: min } : {}) },
  };
}

/** One value, or a list of them; a list of one is written as the value alone. */
export function oneOrMany<T>(item: ValueType<T>): ValueType<T[]> {
  const name = `${item.name}, or a list of those`;
  return {
    name,
    parse: (value, path) => (Array.isArray(value) ? parseEach(item, value, path) : [item.parse(value, path)]),
    format: (values) => {
      const written = values.map((value) => item.format(value));
      // A list that is itself the value (a command) must stay inside one, or it would read as many.
      return written.length === 1 && !Array.isArray(written[0]) ? written[0] : written;
    },
    jsonSchema: { anyOf: [item.jsonSchema, { type: 'array', items: item.jsonSchema }] },
  };
}

function parseEach<T>(item: ValueType<T>, values: unknown[], path: string): T[] {
  const lines: string[] = [];
  const parsed: T[] = [];
  for (const [index, value] of values.entries()) {
    try {
      parsed.push(item.parse(value, `${path}[${index}]`));
    } catch (error) {
      if (!(error instanceof WrongValue)) throw error;
      lines.push(...error.lines);
    }
  }
  if (lines.length > 0) throw new WrongValue(lines);
  return parsed;
}
