import { defaultOf } from '../../config/docs.ts';
import { type Listed, listTables } from '../../config/schema/listing.ts';
import type { Row } from '../../config/schema/table.ts';
import { tomlValue } from '../../config/toml.ts';
import { version } from '../../version.ts';
import { files, filesText, hookEnvironment, lookup } from './places.ts';
import { bold, entry, heading, italic, literal, pageText, paragraph, subheading } from './roff.ts';

const description = [
  'The file is written in TOML. `cutover init` writes one, with comments, for a unit that is there; `cutover config --check` says whether it is right; `cutover config` prints what holds.',
  'Durations and sizes are written as systemd writes them: 30s, 5min, 1h 30min, 500M, 2G; a lone number counts seconds, or bytes. Unknown keys are errors; keys that begin with x- are yours. A file that holds a secret must be readable by its owner alone.',
];

/** A whole file, small enough to be read at a glance. */
export const exampleFile: readonly string[] = [
  'app = "shop"',
  '',
  '[targets.production]',
  'unit = "shop.service"',
  'builds = "/srv/shop/builds"',
  'port = 9000',
  '',
  '[targets.production.health]',
  'url = "http://127.0.0.1:9000/health"',
  'json = { status = "healthy" }',
  '',
  '[targets.production.hooks]',
  'smoke = "./smoke.sh"',
];

/** `cutover.toml(5)`, from the table of the schema. */
export function configPage(): string {
  const body = [
    ...heading('Synopsis'),
    ...lookup.flatMap((place, at) => [...(at === 0 ? [] : ['.br']), italic(place)]),
    ...heading('Description'),
    ...paragraph('The first of these places that there is holds the configuration of `cutover(1)`.'),
    ...description.flatMap(paragraph),
    ...heading('Keys'),
    ...listTables().flatMap(tableText),
    ...heading('Environment of hooks'),
    ...paragraph('Beside the `environment` of the target, hooks and checks that run a command find these:'),
    ...hookEnvironment.flatMap(([name, does]) => entry(bold(name), [does])),
    ...heading('Files'),
    ...paragraph(filesText),
    ...files.flatMap(([path, does]) => entry(italic(path), [does])),
    ...heading('Examples'),
    ...literal([...exampleFile]),
    ...heading('See also'),
    '.BR cutover (1),',
    '.BR systemd.service (5),',
    '.BR systemd.time (7)',
  ];
  const does = 'configuration of cutover';
  return pageText({ name: 'cutover.toml', section: 5, does, title: 'File Formats', version, body });
}

function tableText({ heading: name, sentence, rows }: Listed): string[] {
  return [...subheading(name), ...paragraph(sentence), ...rows.flatMap(rowText)];
}

function rowText(row: Row): string[] {
  const facts = `${defaultOf(row)} Expected: ${row.type.name}.`;
  return entry(bold(row.key), [row.sentence, facts, `Example: \`${row.key} = ${tomlValue(row.example)}\``]);
}
