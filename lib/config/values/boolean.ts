import { type ValueType, wrong } from './value-type.ts';

/** true or false; never the text of it. */
export const boolean: ValueType<boolean> = {
  name: 'true or false',
  parse(value, path) {
    if (typeof value !== 'boolean') throw wrong(path, 'wrong kind of value', value, this.name);
    return value;
  },
  format: (value) => value,
  jsonSchema: { type: 'boolean' },
};
