import { cac } from 'cac';
import { CutoverError } from '../base/errors.ts';
import { version } from '../version.ts';
import { askedOptions, commandOfTool, type CommandRow, type GlobalOptions, globalOptions } from './command.ts';
import { commands } from './commands.ts';
import { helpFor, overview } from './help.ts';
import { refuseCommand, requireOptionsAsWritten, requireWords, usageError } from './mistakes.ts';

/** What the command line asks for. */
export type Request =
  | { kind: 'run'; row: CommandRow; words: string[]; options: GlobalOptions & Record<string, unknown> }
  | { kind: 'text'; text: string };

/**
 * Reads a command line.
 * @param tool the executable that was called, for what is said of a mistake
 * @throws `usage` for an unknown command or option, or a missing word
 */
export function parse(argv: string[], tool = 'cutover'): Request {
  const [first, second = ''] = argv.length > 1 ? commandFirst(argv) : argv;
  if (first === '--version' || first === '-v') return { kind: 'text', text: `cutover ${version}` };
  if (first === 'help' && /^[a-z]/.test(second)) return parse([second, '--help'], tool);
  if (first === undefined || first === '--help' || first === '-h' || first === 'help')
    return { kind: 'text', text: overview(commands) };
  const row = commands.find(({ name }) => name === first) ?? refuseCommand(first, commands);
  const named = { row, called: commandOfTool[tool] === row.name ? tool : `cutover ${row.name}` };
  const program = programFor(row);
  try {
    requireOptionsAsWritten(argv.slice(0, endOfOptions(argv)), named);
    const { args, options } = program.parse(['node', 'cutover', ...forCac(commandFirst(argv), row)], { run: false });
    if (options.help) return { kind: 'text', text: helpFor(row, named.called) };
    if (options.version) return { kind: 'text', text: `cutover ${version}` };
    program.matchedCommand?.checkUnknownOptions();
    program.matchedCommand?.checkOptionValue();
    const typed = [...args, ...((options['--'] as string[] | undefined) ?? [])].map(String);
    const words = typed.map((word) => (word === dash ? '-' : word));
    requireWords(words, named, argv);
    return { kind: 'run', row, words, options: { ...saidOnce(options), ...writtenValues(argv, row) } };
  } catch (error) {
    if (error instanceof CutoverError) throw error;
    throw usageError(error, named);
  }
}

function endOfOptions(argv: readonly string[]): number {
  return argv.includes('--') ? argv.indexOf('--') : argv.length;
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
  const end = endOfOptions(argv);
  const known = row.options.map(([flags]) => flags);
  return argv.map((word, at) => {
    if (word === '-') return dash;
    if (at >= end) return word;
    if (known.includes(word)) return word.replace(/(?<=[a-z])-([a-z])/g, (_, letter: string) => letter.toUpperCase());
    return known.some((flags) => flags.startsWith(`${word} [`)) ? `${word}=true` : word;
  });
}

/** cac makes a list of a flag that was typed again: it says no more than once, and what it says last. */
function saidOnce<Options extends object>(options: Options): Options {
  const once = Object.entries(options).map(([name, value]: [string, unknown]) => {
    const isAgain = Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === 'boolean');
    return [name, isAgain ? value.at(-1) : value];
  });
  return Object.fromEntries(once) as Options;
}

/** cac makes numbers of what looks like one: a revision 007 is not 7, and a checksum of digits alone not 1.2e63. */
function writtenValues(argv: string[], { options }: CommandRow): Record<string, string> {
  const end = endOfOptions(argv);
  const values: Record<string, string> = {};
  for (const name of options.flatMap(([flags]) => (flags.includes('<') ? [flags.split(' ')[0] as string] : []))) {
    const isGiven = (word: string, place: number): boolean => {
      return place < end && (word === name || word.startsWith(`${name}=`));
    };
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

function programFor({ name, words, does, options }: CommandRow) {
  const program = cac('cutover');
  for (const [flags, text] of [...globalOptions, ...askedOptions]) program.option(flags, text);
  const command = program.command(`${name} ${words}`.trim(), does);
  for (const [flags, text] of options) command.option(flags, text);
  command.action(() => {});
  return program;
}
