import { type Listed, listTables } from './schema/listing.ts';
import type { Row } from './schema/table.ts';
import { tomlValue } from './toml.ts';

const preface = `# cutover.toml

Looked up as --config, $CUTOVER_CONFIG, ./cutover.toml, $XDG_CONFIG_HOME/cutover/cutover.toml, /etc/cutover/cutover.toml.
Durations and sizes are written as systemd writes them: "30s", "5min", "1h 30min", "500M", "2G"; a lone number counts
seconds, or bytes. Unknown keys are errors; keys that begin with x- are yours. A file that holds a secret must be
readable by its owner alone.
`;

/** The reference of every key, as Markdown that reads well in a terminal. */
export function configDocs(): string {
  return [preface, ...listTables().map(tableDocs)].join('\n');
}

function tableDocs({ heading, sentence, rows }: Listed): string {
  return [`## ${heading}`, '', sentence, '', ...rows.map(rowDocs)].join('\n');
}

function rowDocs(row: Row): string {
  const lines = [
    `- \`${row.key}\`: ${row.sentence}`,
    `  ${defaultOf(row)} Expected: ${row.type.name}.`,
    `  Example: \`${row.key} = ${tomlValue(row.example)}\``,
  ];
  return `${lines.join('\n')}\n`;
}

/** What holds where the key is not given, in one sentence; values are between backticks. */
export function defaultOf(row: Row): string {
  if (row.required) return 'Required.';
  if (row.defaultText !== undefined) return `Default: ${row.defaultText}.`;
  return row.default === null || row.default === undefined
    ? 'Default: not set.'
    : `Default: \`${tomlValue(row.default)}\`.`;
}
