import { type Listed, listTables } from './schema/listing.ts';
import type { Row } from './schema/table.ts';
import { tomlKey, tomlValue } from './toml.ts';

/** What is known of one key. Without a value the key stays a comment. */
export interface Known {
  /** as one would write it */
  value?: unknown;
  /** how it came to be known, or what to know of it; one line */
  note?: string;
  /** what the comment shows in place of the default */
  example?: unknown;
}

/** All that a new configuration says. */
export interface Draft {
  target: string;
  /** by `table.key` as the manual has it, with NAME for the target's name: `app`, `targets.NAME.port` */
  known: Readonly<Record<string, Known>>;
}

/** The tables whose keys are all shown; of the others, which most people never need, the heading. */
const spelledOut = ['', 'targets.NAME', ...['stop', 'start', 'health', 'limits'].map((name) => `targets.NAME.${name}`)];

/**
 * A whole configuration as a commented file: what is known as keys, everything else as comments with its default.
 * Sentences, defaults and examples are those of the schema table.
 * @param head the first lines, without "#"
 */
export function draftText(draft: Draft, head: readonly string[]): string {
  // The further keys of each kind are tables of their own under the same path.
  const tables = listTables().filter((table, at, all) => all.findIndex(({ path }) => path === table.path) === at);
  const whole = tables.filter(isSpelledOut).map((table) => tableText(table, draft).join('\n'));
  const others = tables.filter((table) => !isSpelledOut(table) && !table.path.endsWith('.HOOK'));
  const width = Math.max(...others.map(({ heading }) => headingOf(heading, draft).length));
  const rest = others.map(({ heading, sentence }) => `#   ${headingOf(heading, draft).padEnd(width)}  ${sentence}`);
  const last = ['# More tables; `cutover config --docs` describes every key of each:', ...rest].join('\n');
  return `${[head.map((line) => `# ${line}`.trimEnd()).join('\n'), ...whole, last].join('\n\n')}\n`;
}

/** The target's tables alone, to be added to a configuration that is there: what is known, and nothing else. */
export function draftTarget(draft: Draft): string {
  const tables = listTables().filter(({ path }) => path.startsWith('targets.NAME'));
  const lines = tables.flatMap((table) => {
    const rows = table.rows.filter((row) => knownOf(draft, table, row).value !== undefined);
    return rows.length === 0 ? [] : [headingOf(table.heading, draft), ...rows.map((row) => rowLine(draft, table, row))];
  });
  return lines.join('\n');
}

/** The same as the document that a parser makes of it. */
export function draftDocument(draft: Draft): Record<string, unknown> {
  const root: Record<string, unknown> = {};
  for (const [path, { value }] of Object.entries(draft.known)) {
    if (value === undefined) continue;
    const parts = path.split('.').map((part) => (part === 'NAME' ? draft.target : part));
    const key = parts.pop() as string;
    let table = root;
    for (const part of parts) table = (table[part] ??= {}) as Record<string, unknown>;
    table[key] = value;
  }
  return root;
}

function tableText(table: Listed, draft: Draft): string[] {
  const { path, heading, sentence, rows } = table;
  const lines = rows.flatMap((row) => [`# ${row.sentence}`, rowLine(draft, table, row)]);
  return path === '' ? lines : [`# ${sentence}`, headingOf(heading, draft), ...lines];
}

function isSpelledOut({ path }: Listed): boolean {
  return spelledOut.includes(path);
}

/** A key that is known, or a comment that becomes one when its "#" is taken away. */
function rowLine(draft: Draft, table: Listed, row: Row): string {
  const { value, note, example } = knownOf(draft, table, row);
  if (value !== undefined) return `${row.key} = ${tomlValue(value)}${remark(note)}`;
  const isTelling = row.defaultText === undefined && !isEmpty(row.default);
  const without = isTelling ? undefined : `without it: ${row.defaultText ?? 'none'}`;
  return `#${row.key} = ${tomlValue(example ?? (isTelling ? row.default : row.example))}${remark(note ?? without)}`;
}

/** A default that shows nobody how such a value is written. */
function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || tomlValue(value) === '{}' || tomlValue(value) === '[]';
}

function remark(text: string | undefined): string {
  return text === undefined ? '' : `  # ${text}`;
}

function knownOf({ known }: Draft, { path }: Listed, { key }: Row): Known {
  return known[path === '' ? key : `${path}.${key}`] ?? {};
}

function headingOf(heading: string, { target }: Draft): string {
  return heading.replace('NAME', tomlKey(target));
}
