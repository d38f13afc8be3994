import { isTable, type ValueType, wrong } from './value-type.ts';

/** What may stand in a JSON body where the configuration expects something. */
export type Scalar = string | number | boolean;

/** Names with texts: an environment, headers. */
export function textMap({ name, key }: { name: string; key: RegExp }): ValueType<Record<string, string>> {
  return {
    name,
    parse(value, path) {
      if (!isTable(value)) throw wrong(path, 'wrong kind of value', value, name);
      const texts: [string, string][] = [];
      for (const [entry, content] of Object.entries(value)) {
        if (!key.test(entry)) throw wrong(`${path}.${entry}`, 'wrong name', entry, name);
        if (typeof content !== 'string') throw wrong(`${path}.${entry}`, 'wrong kind of value', content, 'a text');
        if (/[\0\r\n]/.test(content)) throw wrong(`${path}.${entry}`, 'more than one line', content, 'one line');
        texts.push([entry, content]);
      }
      return Object.fromEntries(texts);
    },
    format: (value) => value,
    jsonSchema: { type: 'object', additionalProperties: { type: 'string' }, propertyNames: { pattern: key.source } },
    merges: true,
  };
}

/** Dotted paths in a JSON body with the values that must stand there; nested tables spell the same paths. */
export const jsonMap: ValueType<Record<string, Scalar>> = {
  name: 'a table of dotted paths, each with a text, number or boolean',
  parse(value, path) {
    if (!isTable(value)) throw wrong(path, 'wrong kind of value', value, this.name);
    return Object.fromEntries(flatten(value, path, ''));
  },
  format: (value) => value,
  jsonSchema: { type: 'object', additionalProperties: { type: ['string', 'number', 'boolean', 'object'] } },
  merges: true,
};

function flatten(table: Record<string, unknown>, path: string, prefix: string): [string, Scalar][] {
  return Object.entries(table).flatMap(([key, value]): [string, Scalar][] => {
    if (isTable(value)) return flatten(value, `${path}.${key}`, `${prefix}${key}.`);
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
      return [[prefix + key, value]];
    }
    throw wrong(`${path}.${key}`, 'wrong kind of value', value, 'a text, number or boolean');
  });
}
