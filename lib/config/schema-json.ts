import { documentTable } from './schema/document.ts';
import type { Row, SubTable, Table } from './schema/table.ts';

/** The file as a JSON Schema (draft 2020-12), for editors. What depends on several keys it cannot say. */
export function configJsonSchema(): object {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'cutover.toml',
    ...tableSchema(documentTable, { isComplete: true }),
    required: ['app', 'targets'],
  };
}

function tableSchema(table: Table, { isComplete }: { isComplete: boolean }): object {
  if (!table.kinds) return objectSchema(table, table.rows, isComplete);
  const { key, rows } = table.kinds;
  return {
    oneOf: Object.entries(rows).map(([kind, more]) => {
      const common = table.rows.filter((row) => row.key !== key);
      const named = objectSchema(table, [...common, ...more], isComplete);
      const properties = { [key]: { const: kind }, ...named.properties };
      return { ...named, properties, required: [key, ...(named.required ?? [])] };
    }),
  };
}

function objectSchema(table: Table, rows: readonly Row[], isComplete: boolean) {
  const properties: Record<string, object> = {};
  for (const row of rows) properties[row.key] = rowSchema(row);
  for (const [key, sub] of Object.entries(table.tables ?? {})) properties[key] = subTableSchema(sub);
  const required = rows.filter((row) => row.required).map((row) => row.key);
  return {
    type: 'object',
    description: table.sentence,
    properties,
    patternProperties: { '^x-': true },
    additionalProperties: false,
    ...(isComplete && required.length > 0 ? { required } : {}),
  };
}

/** Nothing is required below a target: it may stand in [defaults]. Entries of a list inherit nothing. */
function subTableSchema({ table, shape }: SubTable): object {
  const schema = tableSchema(table, { isComplete: shape === 'list' });
  if (shape === 'list') return { type: 'array', items: schema };
  if (shape !== 'named') return schema;
  return {
    type: 'object',
    patternProperties: { '^x-': true },
    propertyNames: { pattern: '^[A-Za-z0-9][A-Za-z0-9._-]*$' },
    additionalProperties: schema,
    minProperties: 1,
  };
}

function rowSchema(row: Row): object {
  const example = { examples: [row.example] };
  const fallback = row.default === undefined || row.default === null ? {} : { default: row.default };
  return { description: row.sentence, ...row.type.jsonSchema, ...fallback, ...example };
}
