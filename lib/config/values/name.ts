import { matching } from './text.ts';
import { type ValueType, wrong } from './value-type.ts';

const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;
const nameForm = 'a name of letters, digits, ".", "_" and "-" that begins with a letter or digit';

const otherUnits = /\.(socket|device|mount|automount|swap|target|path|timer|slice|scope)$/;

/** The name of an app or a target: it becomes part of paths and of unit names. */
export const name: ValueType<string> = matching({ name: nameForm, pattern: namePattern });

/** A service unit; `.service` is added where it is left out, as systemctl does. */
export const serviceUnit: ValueType<string> = {
  name: 'the name of a service unit such as "app.service"',
  parse(value, path) {
    if (typeof value !== 'string') throw wrong(path, 'wrong kind of value', value, this.name);
    const unit = value.endsWith('.service') ? value : `${value}.service`;
    const isService = !otherUnits.test(value) && /^[A-Za-z0-9:_.\\@-]+$/.test(value) && unit.length <= 255;
    if (!isService || unit === '.service') throw wrong(path, 'not a service unit', value, this.name);
    if (unit.endsWith('@.service')) throw wrong(path, 'a template without an instance', value, this.name);
    return unit;
  },
  format: (value) => value,
  jsonSchema: { type: 'string', pattern: '^[A-Za-z0-9:_.\\\\@-]+$', maxLength: 255 },
};
