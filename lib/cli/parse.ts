import { cac } from 'cac';
import { CutoverError, messageOf } from '../base/errors.ts';
import { nearestName } from '../config/nearest.ts';
import { version } from '../version.ts';
import { commands } from './commands.ts';
import { askedOptions, type CommandRow, type GlobalOptions, globalOptions, shownFlags } from './command.ts';

/** What the command line asks for. */
export type Request =
  | { kind: 'run'; row: CommandRow; words: string[]; options: GlobalOptions & Record<string, unknown> }
  | { kind: 'text'; text: string };

/**
 * Reads a command line.
 * @throws `usage` for an unknown command or option, or a missing word
 */
export function parse(argv: string[]): Request {
  const [first] = argv.length > 1 ? commandFirst(argv) : argv;
  if (first === '--version' || first === '-v') return { kind: 'text', text: `cutover ${version}` };
  if (first === undefined || first === '--help' || first === '-h' || first === 'help')
    return { kind: 'text', text: overview() };
  const row = rowNamed(first);
  const program = programFor(row);
  try {
    const { args, options } = program.parse(['node', 'cutover', ...forCac(commandFirst(argv), row)], { run: false });
    if (options.help) return { kind: 'text', text: helpFor(row) };
    if (options.version) return { kind: 'text', text: `cutover ${version}` };
    program.matchedCommand?.checkUnknownOptions();
    program.matchedCommand?.checkOptionValue();
    const typed = [...args, ...((options['--'] as string[] | undefined) ?? [])].map(String);
    const words = typed.map((word) => (word === dash ? '-' : word));
    requireWords(row, words);
    return { kind: 'run', row, words, options: { ...options, ...writtenValues(argv, row) } };
  } catch (error) {
    if (error instanceof CutoverError) throw error;
    throw new CutoverError('usage', usageProblem(error, row), { mend: `cutover ${row.name} --help` });
  }
}

/** Puts the command before the options that were typed before it. */
function commandFirst(argv: string[]): string[] {
  let at = 0;
  while (at < argv.length && argv[at]?.startsWith('-')) at += argv[at] === '--config' ? 2 : 1;
  const command = argv[at];
  return command === undefined ? argv : [command, ...argv.slice(0, at), ...argv.slice(at + 1)];
}

/** What cac is given for the word "-", which it would drop; nobody can type it. */
const dash = '\u0000';

/**
 * cac takes the word after `--dry-run` for its value, since it knows the flag as `dryRun` only, and the word after
 * an option whose value may be left out: such a value has to be given with "=".
 */
function forCac(argv: string[], row: CommandRow): string[] {
  const end = argv.includes('--') ? argv.indexOf('--') : argv.length;
  const known = row.options.map(([flags]) => flags);
  return argv.map((word, at) => {
    if (word === '-') return dash;
    if (at >= end) return word;
    if (known.includes(word)) return word.replace(/(?<=[a-z])-([a-z])/g, (_, letter: string) => letter.toUpperCase());
    return known.some((flags) => flags.startsWith(`${word} [`)) ? `${word}=true` : word;
  });
}

/** cac makes numbers of what looks like one: a revision 007 is not 7, and a checksum of digits alone not 1.2e63. */
function writtenValues(argv: string[], { options }: CommandRow): Record<string, string> {
  const end = argv.includes('--') ? argv.indexOf('--') : argv.length;
  const values: Record<string, string> = {};
  for (const name of options.flatMap(([flags]) => (flags.includes('<') ? [flags.split(' ')[0] as string] : []))) {
    const isGiven = (word: string, place: number): boolean => {
      return place < end && (word === name || word.startsWith(`${name}=`));
    };
    // One that is given twice is a list, which cac has made.
    if (argv.filter(isGiven).length > 1) continue;
    const at = argv.findIndex(isGiven);
    const value = argv[at] === name ? argv[at + 1] : argv[at]?.slice(name.length + 1);
    const key = name.slice(2).replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
    if (value !== undefined) values[key] = value;
  }
  return { ...values, ...repeatedValues(argv.slice(0, end), options) };
}

/** An option that may be given again and again has all its values, with commas between them. */
function repeatedValues(argv: string[], options: CommandRow['options']): Record<string, string> {
  const names = options.flatMap(([flags]) => (flags.includes('...>') ? [flags.split(' ')[0] as string] : []));
  const values = names.map((name): [string, string[]] => [
    name.slice(2),
    argv.flatMap((word, at) =>
      word === name ? (argv[at + 1] ?? []) : word.startsWith(`${name}=`) ? word.slice(name.length + 1) : [],
    ),
  ]);
  return Object.fromEntries(
    values.filter(([, given]) => given.length > 0).map(([name, given]) => [name, given.join(',')]),
  );
}

function rowNamed(name: string): CommandRow {
  const row = commands.find((command) => command.name === name);
  if (row) return row;
  const near = nearestName(
    name,
    commands.filter(({ isHidden }) => !isHidden).map((command) => command.name),
  );
  const guess = near ? `, did you mean ${near}?` : '';
  throw new CutoverError('usage', `there is no command ${name}${guess}`, { mend: 'cutover --help' });
}

function programFor({ name, words, does, options }: CommandRow) {
  const program = cac('cutover');
  for (const [flags, text] of [...globalOptions, ...askedOptions]) program.option(flags, text);
  const command = program.command(`${name} ${words}`.trim(), does);
  for (const [flags, text] of options) command.option(flags, text);
  command.action(() => {});
  return program;
}

/**
 * cac takes any number of words, and does not count those behind "--"; one too many is a mistake, such as a forgotten "--".
 * What may be left out stands first, so it is the last ones that are missing.
 */
function requireWords({ name, words }: CommandRow, given: string[]): void {
  const known = words.split(' ').filter(Boolean);
  const needed = known.filter((word) => word.startsWith('<'));
  const mend = `cutover ${name} --help`;
  if (given.length < needed.length) {
    throw new CutoverError('usage', `cutover ${name} lacks ${needed[given.length]}`, { mend });
  }
  if (given.length <= known.length || words.includes('...')) return;
  throw new CutoverError('usage', `cutover ${name} does not know what to do with "${given[known.length]}"`, { mend });
}

function usageProblem(error: unknown, row: CommandRow): string {
  const text = messageOf(error);
  const unknown = /Unknown option `(-+[^`]+)`/.exec(text)?.[1];
  if (!unknown) return text;
  const known = [...row.options, ...globalOptions].map(([flags]) => flags.split(' ')[0] as string);
  const near = nearestName(unknown, known);
  return `cutover ${row.name} has no option ${unknown}${near ? `, did you mean ${near}?` : ''}`;
}

function overview(): string {
  const shown = commands.filter(({ isHidden }) => !isHidden);
  const rows = shown.map(({ name, words, does }) => `  ${`${name} ${words}`.padEnd(26)} ${does}`);
  return [
    'cutover: moves a systemd service from one build to the next and never leaves it broken',
    '',
    'Usage: cutover <command> [target] [options]',
    '',
    ...rows,
    '',
    ...optionRows([...globalOptions, ...askedOptions]),
    '',
    'Examples:',
    '  cutover check production',
    '  cutover deploy production',
    '  cutover rollback production',
    '',
    'cutover <command> --help tells more about one command.',
  ].join('\n');
}

function helpFor({ name, words, does, options, examples }: CommandRow): string {
  const usage = `Usage: cutover ${`${name} ${words}`.trim()} [options]`;
  const all = optionRows([...options, ...globalOptions, ...askedOptions]);
  return [`${does}.`, '', usage, '', ...all, '', 'Examples:', ...examples.map((example) => `  ${example}`)].join('\n');
}

function optionRows(options: readonly [string, string][]): string[] {
  return options.map(([flags, text]) => `  ${shownFlags(flags).padEnd(26)} ${text}`);
}
