import { type ValueType, wrong } from './value-type.ts';

interface Bounds {
  min: number;
  max?: number;
  /** begins its name */
  kind?: string;
}

/** A whole number within bounds, both included. */
export function integer({ min, max = Number.MAX_SAFE_INTEGER, kind = 'a whole number' }: Bounds): ValueType<number> {
  return within(kind, 'integer', min, max);
}

/** A number within bounds, both included. */
export function number({ min, max = Number.MAX_SAFE_INTEGER, kind = 'a number' }: Bounds): ValueType<number> {
  return within(kind, 'number', min, max);
}

function within(kind: string, type: 'integer' | 'number', min: number, max: number): ValueType<number> {
  const name = max === Number.MAX_SAFE_INTEGER ? `${kind}, ${min} or more` : `${kind} from ${min} to ${max}`;
  return {
    name,
    parse(value, path) {
      const isOne = type === 'integer' ? Number.isSafeInteger(value) : Number.isFinite(value);
      if (typeof value !== 'number' || !isOne) throw wrong(path, 'wrong kind of value', value, name);
      if (value < min || value > max) throw wrong(path, 'out of range', value, name);
      return value;
    },
    format: (value) => value,
    jsonSchema: { type, minimum: min, ...(max === Number.MAX_SAFE_INTEGER ? {} : { maximum: max }) },
  };
}
