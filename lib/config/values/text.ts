import { type ValueType, wrong } from './value-type.ts';

/** Any text that is not empty. */
export const text: ValueType<string> = matching({ name: 'a text', pattern: /\S/ });

/** A text of one form. */
export function matching({ name, pattern }: { name: string; pattern: RegExp }): ValueType<string> {
  return {
    name,
    parse(value, path) {
      if (typeof value !== 'string') throw wrong(path, 'wrong kind of value', value, name);
      if (!pattern.test(value) || value.includes('\0')) throw wrong(path, 'wrong form', value, name);
      return value;
    },
    format: (value) => value,
    jsonSchema: { type: 'string', pattern: pattern.source },
  };
}
