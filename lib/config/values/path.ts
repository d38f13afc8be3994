import { normalize } from 'node:path';
import { type ValueType, wrong } from './value-type.ts';

/** An absolute path, without a slash at its end. */
export const absolutePath: ValueType<string> = {
  name: 'an absolute path such as "/srv/app"',
  parse(value, path) {
    if (typeof value !== 'string') throw wrong(path, 'wrong kind of value', value, this.name);
    if (!value.startsWith('/') || /[\0\n]/.test(value)) throw wrong(path, 'not an absolute path', value, this.name);
    return normalize(value).replace(/(.)\/$/, '$1');
  },
  format: (value) => value,
  jsonSchema: { type: 'string', pattern: '^/' },
};

/** Permission bits as chmod takes them; a text, since `600` the number would be read as decimal. */
export const fileMode: ValueType<number> = {
  name: 'permission bits in quotes such as "600"',
  parse(value, path) {
    if (typeof value !== 'string') throw wrong(path, 'wrong kind of value', value, this.name);
    if (!/^[0-7]{3,4}$/.test(value)) throw wrong(path, 'not permission bits', value, this.name);
    return Number.parseInt(value, 8);
  },
  format: (value) => value.toString(8).padStart(3, '0'),
  jsonSchema: { type: 'string', pattern: '^[0-7]{3,4}$' },
};
