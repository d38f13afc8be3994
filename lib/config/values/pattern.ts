import { messageOf } from '../../base/errors.ts';
import { type ValueType, wrong } from './value-type.ts';

/** A regular expression of JavaScript that compiles; the empty one means "none". */
export const pattern: ValueType<string | null> = {
  name: 'a regular expression',
  parse(value, path) {
    if (typeof value !== 'string') throw wrong(path, 'wrong kind of value', value, this.name);
    try {
      return new RegExp(value).source === '(?:)' ? null : value;
    } catch (error) {
      throw wrong(path, messageOf(error), value, this.name);
    }
  },
  format: (value) => value ?? '',
  jsonSchema: { type: 'string', format: 'regex' },
};

/** A regular expression that has to say something. */
export const givenPattern: ValueType<string> = {
  name: 'a regular expression that is not empty',
  parse(value, path) {
    const given = pattern.parse(value, path);
    if (given === null) throw wrong(path, 'empty', value, this.name);
    return given;
  },
  format: (value) => value,
  jsonSchema: { type: 'string', format: 'regex', minLength: 1 },
};
