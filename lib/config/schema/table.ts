import type { ValueType } from '../values/value-type.ts';

/** One key: everything that validation, the manual and the JSON Schema know of it. */
export interface Row {
  readonly key: string;
  /** its name in the model, where that is not the key in camelCase: it carries the unit */
  readonly field?: string;
  readonly type: ValueType;
  /** as one would write it; null: off; none at all: absent from the model when it is not given */
  readonly default?: unknown;
  /** what the manual says of a default that no value can express */
  readonly defaultText?: string;
  readonly required?: boolean;
  /** never shown */
  readonly secret?: boolean;
  readonly sentence: string;
  /** as one would write it */
  readonly example: unknown;
}

/** A table of the file: its keys, and the tables inside it. */
export interface Table {
  readonly sentence: string;
  readonly rows: readonly Row[];
  readonly tables?: Readonly<Record<string, SubTable>>;
  /** keys that only entries of one kind have; in the model they stand in `options` */
  readonly kinds?: { readonly key: string; readonly rows: Readonly<Record<string, readonly Row[]>> };
}

export interface SubTable {
  readonly table: Table;
  /** `optional`: null in the model when absent; `list`: `[[…]]`; `named`: one for each name; `defaults`: inherited */
  readonly shape: 'table' | 'optional' | 'list' | 'named' | 'defaults';
  /** its name in the model; null: its fields are those of the table around it */
  readonly field: string | null;
}

/** Where a row's value stands in the model. */
export function fieldOf(row: Row): string {
  return row.field ?? row.key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** Every key an entry of this table may have; without a known kind, those of all kinds. */
export function keysOf(table: Table, kind?: unknown): string[] {
  const keys = table.rows.concat(kindRows(table, kind)).map((row) => row.key);
  return [...new Set(keys), ...Object.keys(table.tables ?? {})];
}

/** The rows of one kind, or of all when it is none of them. */
export function kindRows(table: Table, kind: unknown): readonly Row[] {
  const kinds = table.kinds?.rows ?? {};
  return typeof kind === 'string' && Object.hasOwn(kinds, kind) ? (kinds[kind] ?? []) : Object.values(kinds).flat();
}
