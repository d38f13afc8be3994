import { oneOrMany } from './list.ts';
import { type ValueType, wrong } from './value-type.ts';

type Range = [from: number, to: number];

/** HTTP statuses as inclusive ranges: 200, "2xx", "200-204". */
const status: ValueType<Range> = {
  name: 'an HTTP status such as 200 or "2xx"',
  parse(value, path) {
    const range = rangeOf(typeof value === 'number' ? String(value) : value);
    if (!range) throw wrong(path, 'not an HTTP status', value, this.name);
    return range;
  },
  format([from, to]) {
    if (from === to) return from;
    return from % 100 === 0 && to === from + 99 ? `${from / 100}xx` : `${from}-${to}`;
  },
  jsonSchema: {
    anyOf: [
      { type: 'integer', minimum: 100, maximum: 599 },
      { type: 'string', pattern: '^([1-5]xx|[1-5][0-9][0-9](-[1-5][0-9][0-9])?)$' },
    ],
  },
};

/** A status or several. */
export const statusList: ValueType<Range[]> = oneOrMany(status);

function rangeOf(value: unknown): Range | undefined {
  if (typeof value !== 'string') return undefined;
  const hundred = /^([1-5])xx$/i.exec(value);
  if (hundred) return [Number(hundred[1]) * 100, Number(hundred[1]) * 100 + 99];
  const range = /^([1-5]\d\d)(?:-([1-5]\d\d))?$/.exec(value);
  if (!range) return undefined;
  const [from, to] = [Number(range[1]), Number(range[2] ?? range[1])];
  return from <= to ? [from, to] : undefined;
}
