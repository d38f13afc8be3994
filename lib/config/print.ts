import type { Config } from './model.ts';
import { documentTable } from './schema/document.ts';
import { hooksTable } from './schema/hooks.ts';
import { fieldOf, kindRows, type Row, type SubTable, type Table } from './schema/table.ts';
import { redact, redacted } from './secrets.ts';
import { hookTable } from './values/hook.ts';
import { isTable } from './values/value-type.ts';
import { tomlKey, tomlValue } from './toml.ts';

type Fields = Record<string, unknown>;

/** The configuration with every default, as TOML that `parseConfig` reads back; secrets are `[redacted]`. */
export function effectiveConfig(config: Config): string {
  const source = config.file === null ? '# without a file' : `# ${config.file}`;
  return `${[source, ...tableLines(documentTable, fieldsOf(config), '')].join('\n')}\n`;
}

/** The same for programs: snake_case keys, durations in `_ms`, sizes in `_bytes`; secrets are `[redacted]`. */
export function effectiveJson(config: Config): Record<string, unknown> {
  return { file: config.file, ...tableJson(documentTable, fieldsOf(config)) };
}

function tableLines(table: Table, fields: Fields, path: string): string[] {
  const rows = [...rowLines(table.rows, fields), ...rowLines(ownKindRows(table, fields), fieldsOf(fields.options))];
  const subTables = Object.entries(table.tables ?? {}).flatMap(([key, sub]) =>
    sub.shape === 'defaults' ? [] : subTableLines(sub, fields, path === '' ? key : `${path}.${key}`),
  );
  return [...rows, ...subTables];
}

function rowLines(rows: readonly Row[], fields: Fields): string[] {
  return rows.flatMap((row) => {
    const value = fields[fieldOf(row)];
    if (value === undefined) return [];
    if (value === null) return [`# ${row.key}: ${row.defaultText ?? 'not set'}`];
    return [`${row.key} = ${tomlValue(shownValue(row, row.type.format(value)))}`];
  });
}

function subTableLines({ table, shape, field }: SubTable, fields: Fields, path: string): string[] {
  if (field === null) return ['', `[${path}]`, ...tableLines(table, fields, path)];
  const value = fields[field];
  if (value === null || value === undefined) return [];
  if (shape === 'list') {
    return listOf(value).flatMap((item) => ['', `[[${path}]]`, ...tableLines(table, item, path)]);
  }
  if (shape !== 'named') return ['', `[${path}]`, ...tableLines(table, fieldsOf(value), path)];
  return Object.entries(value).flatMap(([name, item]) => {
    const place = `${path}.${tomlKey(name)}`;
    return ['', `[${place}]`, ...tableLines(table, fieldsOf(item), place)];
  });
}

function tableJson(table: Table, fields: Fields): Fields {
  const json = rowJson(table.rows, fields);
  if ('name' in fields) json.name = fields.name;
  if (table.kinds) json.options = rowJson(ownKindRows(table, fields), fieldsOf(fields.options));
  for (const { table: inner, shape, field } of Object.values(table.tables ?? {})) {
    if (shape === 'defaults') continue;
    if (field === null) Object.assign(json, rowJson(inner.rows, fields));
    else json[snake(field)] = subTableJson(inner, shape, fields[field]);
  }
  return json;
}

function rowJson(rows: readonly Row[], fields: Fields): Fields {
  const known = rows.filter((row) => fields[fieldOf(row)] !== undefined);
  return Object.fromEntries(known.map((row) => [snake(fieldOf(row)), shownValue(row, fields[fieldOf(row)])]));
}

function subTableJson(table: Table, shape: SubTable['shape'], value: unknown): unknown {
  if (value === null || value === undefined) return null;
  if (table === hooksTable) return hooksJson(fieldsOf(value));
  if (shape === 'list') return listOf(value).map((item) => tableJson(table, item));
  if (shape !== 'named') return tableJson(table, fieldsOf(value));
  const entries = Object.entries(value).map(([name, item]) => [name, tableJson(table, fieldsOf(item))]);
  return Object.fromEntries(entries);
}

function hooksJson(hooks: Fields): Fields {
  const entries = Object.entries(hooks).map(([name, list]) => [
    name,
    listOf(list).map((one) => rowJson(hookTable.rows, one)),
  ]);
  return Object.fromEntries(entries);
}

function ownKindRows(table: Table, fields: Fields): readonly Row[] {
  return table.kinds ? kindRows(table, fields[table.kinds.key]) : [];
}

/** The model as names and values: the table of rows says which there are, so the compiler need not. */
function fieldsOf(value: unknown): Fields {
  return isTable(value) ? value : {};
}

function listOf(value: unknown): Fields[] {
  return Array.isArray(value) ? value.map(fieldsOf) : [];
}

function shownValue(row: Row, value: unknown): unknown {
  return row.secret && value !== null ? redacted : redact(row.key, value);
}

function snake(field: string): string {
  return field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
