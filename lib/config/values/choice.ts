import { nearestName } from '../nearest.ts';
import { type ValueType, wrong } from './value-type.ts';

/** One of a few words. */
export function choice<T extends string>(...words: readonly T[]): ValueType<T> {
  const name = words.length === 1 ? `"${words[0]}"` : `one of ${words.map((word) => `"${word}"`).join(', ')}`;
  return {
    name,
    parse(value, path) {
      const found = words.find((word) => word === value);
      if (found !== undefined) return found;
      const near = typeof value === 'string' ? nearestName(value, words) : undefined;
      const meant = near === undefined ? '' : `; did you mean "${near}"?`;
      throw wrong(path, typeof value === 'string' ? 'unknown word' : 'wrong kind of value', value, name + meant);
    },
    format: (value) => value,
    jsonSchema: { enum: words },
  };
}
