import { version } from '../../version.ts';
import { askedOptions, type CommandRow, globalOptions } from '../command.ts';
import { exitCodes } from './exit-codes.ts';
import { type Entry, environment, files, filesText } from './places.ts';
import { bold, entry, heading, italic, literal, pageText, paragraph, subheading } from './roff.ts';

/** The executables that keep the names of the scripts they replace. */
const otherNames: readonly Entry[] = [
  ['pre-deployment-check', 'The same as `cutover check`.'],
  ['safe-deploy', 'The same as `cutover deploy`.'],
  [
    'deploy-with-zero-downtime',
    'Deploys without a configuration file: the builds directory is the one that the build is in.',
  ],
];

const description = [
  '`cutover` moves a systemd service from one build to the next and never leaves it broken. A deploy checks first, stops the old build, moves the link `current` in one act, starts the new build, and proves that this build is what serves and that it is healthy. If anything is wrong, it goes back by itself to the build that worked.',
  'What is deployed, and where, is written in `cutover.toml(5)`. A target may be left out where only one is configured. A build is named as `dist.20260203-151116`, as `20260203-151116`, or by its path.',
  'Every step is in the ledger before it begins. Whatever ends the process, a lost terminal excepted, has the begun steps taken back: by the process itself, by a unit of systemd that was armed before, or after a power cut by `cutover-settle@.service`, which `cutover init --install` puts in place.',
];

const examples: readonly [does: string, commands: string[]][] = [
  ['Begin with a unit that is there:', ['cutover init shop.service', 'cutover init --install']],
  ['Take in a build, and deploy it:', ['cutover add production app.tar.gz', 'cutover deploy production']],
  ['Back to the build before, whatever state the service is in:', ['cutover rollback production']],
  ['What happened:', ['cutover status', 'cutover report production', 'cutover logs production']],
];

const related = [
  'cutover.toml (5),',
  'systemctl (1),',
  'systemd.service (5),',
  'systemd.socket (5),',
  'journalctl (1)',
];

/** `cutover(1)`, from the table of commands. @param rows the table */
export function commandPage(rows: readonly CommandRow[]): string {
  const does = 'move a systemd service to another build';
  const body = [
    ...heading('Synopsis'),
    `${bold('cutover')} ${italic('command')} [${italic('target')}] [${italic('options')}]`,
    ...heading('Description'),
    ...description.flatMap(paragraph),
    ...commandSections(rows),
    ...heading('Exit status'),
    ...exitCodes.flatMap(({ code, meaning }) => entry(bold(String(code)), [sentence(meaning)])),
    ...heading('Environment'),
    ...environment.flatMap(([name, what]) => entry(bold(name), [what])),
    ...heading('Files'),
    ...paragraph(filesText),
    ...files.flatMap(([path, what]) => entry(italic(path), [what])),
    ...heading('Examples'),
    ...examples.flatMap(([what, commands]) => [...paragraph(what), ...literal(commands)]),
    ...heading('See also'),
    ...related.map((page) => `.BR ${page}`),
  ];
  return pageText({ name: 'cutover', section: 1, does, title: 'User Commands', version, body });
}

function commandSections(rows: readonly CommandRow[]): string[] {
  const shown = rows.filter(({ isHidden }) => !isHidden);
  const direct = rows.find(({ name }) => name === 'direct');
  return [
    ...heading('Commands'),
    ...shown.flatMap((row) => [...subheading(`cutover ${row.name}`), ...commandText(row)]),
    ...heading('Options'),
    ...paragraph('Every command takes these.'),
    ...[...globalOptions, ...askedOptions].flatMap(option),
    ...heading('Other names'),
    ...otherNames.flatMap(([name, does]) => entry(bold(name), [does])),
    ...(direct ? commandText({ ...direct, name: 'deploy-with-zero-downtime', does: null }) : []),
  ];
}

function commandText({
  name,
  words,
  does,
  options,
  examples: lines,
}: Omit<CommandRow, 'does'> & { does: string | null }) {
  const command = name.startsWith('deploy-with') ? name : `cutover ${name}`;
  return [
    '.PP',
    [bold(command), ...words.split(' ').filter(Boolean).map(word), `[${italic('options')}]`].join(' '),
    ...(does === null ? [] : paragraph(sentence(does))),
    ...options.flatMap(option),
    ...paragraph(lines.length === 1 ? 'Example:' : 'Examples:'),
    ...literal(lines),
  ];
}

function option([flags, does]: readonly [string, string]): string[] {
  const [names = '', value] = flags.split(/ (?=[<[])/);
  const written = names.split(', ').map(bold).join(', ');
  return entry(value === undefined ? written : `${written}${valueOf(value)}`, [sentence(does)]);
}

/** A value that may be left out is given with "=". */
function valueOf(value: string): string {
  const name = italic(value.replaceAll(/[<>[\]]/g, ''));
  return value.startsWith('[') ? `[=${name}]` : ` ${name}`;
}

function word(text: string): string {
  const name = italic(text.replaceAll(/[<>[\].]/g, ''));
  const many = text.includes('...') ? ' ...' : '';
  return text.startsWith('[') ? `[${name}${many}]` : `${name}${many}`;
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.:?]$/.test(text) ? '' : '.'}`;
}
