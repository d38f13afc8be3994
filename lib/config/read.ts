import { nearestName } from './nearest.ts';
import type { Problems } from './problems.ts';
import { fieldOf, keysOf, kindRows, type Row, type SubTable, type Table } from './schema/table.ts';
import { isTable, WrongValue, wrong } from './values/value-type.ts';

/** A table of the document with the path it stands at. */
export interface Source {
  path: string;
  value: Record<string, unknown>;
}

export interface Reading {
  problems: Problems;
  /** whether required keys must be there: not so in [defaults] */
  complete: boolean;
  /** the paths at which keys that hold a secret are set */
  secrets: string[];
}

/**
 * Reads one table into the shape of the model; what is wrong goes to the problems.
 * @param sources the table itself, then what it inherits from: the first that has a key decides
 */
export function readTable(table: Table, sources: Source[], reading: Reading): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  const kind = table.kinds && sources[0]?.value[table.kinds.key];
  for (const source of sources) refuseUnknownKeys(keysOf(table, kind), source, reading.problems);
  for (const row of table.rows) readRow(row, sources, reading, result);
  if (table.kinds) result.options = readOptions(table, kind, sources, reading);
  for (const [key, sub] of Object.entries(table.tables ?? {})) {
    const value = readSubTable(key, sub, sources, reading);
    if (sub.field === null) Object.assign(result, value);
    else result[sub.field] = value;
  }
  return result;
}

/** `path.key`, or the key alone at the top. */
function joinPath(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}

/** The tables that stand at `key` in the sources; what is no table goes to the problems. */
export function tablesAt(key: string, sources: Source[], problems: Problems): Source[] {
  return sources.flatMap((source) => {
    if (!Object.hasOwn(source.value, key)) return [];
    const path = joinPath(source.path, key);
    const value = source.value[key];
    if (isTable(value)) return [{ path, value }];
    for (const line of wrong(path, 'wrong kind of value', value, `a table: [${path}]`).lines) problems.add(line);
    return [];
  });
}

function readOptions(table: Table, kind: unknown, sources: Source[], reading: Reading): Record<string, unknown> {
  const options: Record<string, unknown> = {};
  const isKnown = typeof kind === 'string' && Object.hasOwn(table.kinds?.rows ?? {}, kind);
  // An unknown kind was reported already: which keys it lacks nobody can say.
  for (const row of isKnown ? kindRows(table, kind) : []) readRow(row, sources, reading, options);
  return options;
}

function readRow(row: Row, sources: Source[], reading: Reading, result: Record<string, unknown>): void {
  const { problems, complete, secrets } = reading;
  const given = sources.filter(({ value }) => Object.hasOwn(value, row.key));
  const own = given[0];
  const path = joinPath((own ?? sources[0])?.path ?? '', row.key);
  if (own && row.secret) secrets.push(path);
  try {
    if (own && row.type.merges) result[fieldOf(row)] = readMerged(row, given);
    else if (own) result[fieldOf(row)] = row.type.parse(own.value[row.key], path);
    else if (row.required && complete) problems.add(`${path}: missing; expected ${row.type.name}`);
    else if (row.default !== undefined) result[fieldOf(row)] = readDefault(row, path);
  } catch (error) {
    if (!(error instanceof WrongValue)) throw error;
    for (const line of error.lines) problems.add(line);
  }
}

function readMerged(row: Row, given: Source[]): unknown {
  const parsed = given.map(({ path, value }) => row.type.parse(value[row.key], joinPath(path, row.key)));
  return Object.assign({}, ...parsed.toReversed());
}

function readDefault(row: Row, path: string): unknown {
  return row.default === null ? null : row.type.parse(row.default, path);
}

function readSubTable(key: string, { table, shape }: SubTable, sources: Source[], reading: Reading): unknown {
  // Only targets inherit: whoever reads the document reads them and [defaults] himself.
  if (shape === 'defaults' || shape === 'named') return undefined;
  if (shape === 'list') return readList(key, table, sources, reading);
  const given = tablesAt(key, sources, reading.problems);
  if (given.length === 0 && shape === 'optional') return null;
  const path = joinPath(sources[0]?.path ?? '', key);
  // The first source names the path of what is missing, so the table's own place comes first even when it is empty.
  const own = given[0]?.path === path ? given : [{ path, value: {} }, ...given];
  return readTable(table, own, reading);
}

function readList(key: string, table: Table, sources: Source[], reading: Reading): unknown[] {
  const own = sources.find(({ value }) => Object.hasOwn(value, key));
  if (!own) return [];
  const path = joinPath(own.path, key);
  const items = own.value[key];
  if (!Array.isArray(items) || !items.every(isTable)) {
    for (const line of wrong(path, 'wrong kind of value', items, `a list of tables: [[${path}]]`).lines) {
      reading.problems.add(line);
    }
    return [];
  }
  return items.map((value, index) => readTable(table, [{ path: `${path}[${index}]`, value }], reading));
}

function refuseUnknownKeys(known: string[], { path, value }: Source, problems: Problems): void {
  for (const key of Object.keys(value)) {
    if (key.startsWith('x-') || known.includes(key)) continue;
    const near = nearestName(key, known);
    const meant = near === undefined ? `expected one of ${known.join(', ')}` : `did you mean ${near}?`;
    problems.add(`${joinPath(path, key)}: unknown key; ${meant}`);
  }
}
