import { CutoverError, messageOf } from '../base/errors.ts';
import { nearestName } from '../config/nearest.ts';
import { type CommandRow, globalOptions, shownFlags } from './command.ts';
import { flagsNamed } from './flags.ts';

/** A command, and what was typed to call it. */
export interface Called {
  row: CommandRow;
  called: string;
}

/** There is no such command. @throws `usage` */
export function refuseCommand(name: string, rows: readonly CommandRow[]): never {
  const mend = 'cutover --help';
  if (name.startsWith('-')) {
    const isKnown = globalOptions.some(([flags]) => flags.split(' ')[0] === name.split('=')[0]);
    const what = isKnown ? `${name} goes with a command, and none is named` : `there is no option ${name}`;
    throw new CutoverError('usage', what, { mend });
  }
  const shown = rows.filter(({ isHidden }) => !isHidden);
  const near = nearestName(
    name,
    shown.map((row) => row.name),
  );
  throw new CutoverError('usage', `there is no command ${name}${near ? `, did you mean ${near}?` : ''}`, { mend });
}

/**
 * An option that takes no value has none, and one whose value may be left out has it after "=": the parser would take either
 * for a word, such as the name of a target. One that has one value has it once: the parser would make a list of them. A value
 * says something: an empty one comes of a variable that was never set, and the parser would make a 0 of it.
 * @param argv what was typed, up to "--"
 * @throws `usage`
 */
export function requireOptionsAsWritten(argv: readonly string[], { row, called }: Called): void {
  for (const [at, word] of argv.entries()) {
    const [name = '', value] = word.split(/=(.*)/s);
    const flags = flagsNamed(row, name);
    if (flags === undefined) continue;
    const given = { name, value, next: argv[at + 1] };
    const problem = valueProblem(flags, given) ?? (isOnce(flags) ? repetition(name, argv.slice(0, at)) : null);
    if (problem !== null) throw new CutoverError('usage', problem, { mend: `${called} --help` });
    if (flags.includes('[') && value === undefined && /^\d+(ms|s|m|min|h|d)$/.test(given.next ?? '')) {
      throw new CutoverError('usage', `${given.next} is read as a word of its own, and not as the value of ${name}`, {
        mend: `${name}=${given.next}`,
      });
    }
  }
}

/** @param given `value`: what stands behind "="; `next`: the word after it */
function valueProblem(
  flags: string,
  { name, value, next }: { name: string; value: string | undefined; next: string | undefined },
): string | null {
  if (!/[<[]/.test(flags)) return value === undefined ? null : `${name} takes no value`;
  const isEmpty = (value ?? (flags.includes('<') ? next : undefined)) === '';
  return isEmpty ? `${name} lacks its value: ${shownFlags(flags)}` : null;
}

function isOnce(flags: string): boolean {
  return /[<[]/.test(flags) && !flags.includes('...');
}

function repetition(name: string, before: readonly string[]): string | null {
  const isRepeated = before.some((word) => word === name || word.startsWith(`${name}=`));
  return isRepeated ? `${name} is given twice` : null;
}

/**
 * cac takes any number of words, and does not count those behind "--"; one too many is a mistake, such as a forgotten "--".
 * What may be left out stands first, so it is the last ones that are missing.
 * @param given words without options
 * @param argv what was typed
 * @throws `usage`
 */
export function requireWords(given: readonly string[], { row, called }: Called, argv: readonly string[]): void {
  const { words } = row;
  const known = words.split(' ').filter(Boolean);
  const needed = known.filter((word) => word.startsWith('<'));
  const mend = `${called} --help`;
  if (given.length < needed.length) {
    throw new CutoverError('usage', `${called} lacks ${needed[given.length]}`, { mend });
  }
  if (given.length <= known.length || words.includes('...')) return;
  const what = `${called} does not know what to do with "${given[known.length]}"`;
  throw new CutoverError('usage', what, { mend: repeating(argv, row) ?? mend });
}

/** An option that may be repeated takes one value each time, also where others would take all the words behind it. */
function repeating(argv: readonly string[], row: CommandRow): string | null {
  const at = argv.findIndex((name, place) => {
    const next = argv[place + 2];
    return next !== undefined && !next.startsWith('-') && flagsNamed(row, name)?.includes('...>');
  });
  const [name, first, second] = argv.slice(at, at + 3);
  return at === -1 ? null : `each has its option: ${name} ${first} ${name} ${second}; or ${name} ${first},${second}`;
}

/** What cac threw, in words of ours. */
export function usageError(error: unknown, { row, called }: Called): CutoverError {
  return new CutoverError('usage', problemOf(messageOf(error), { row, called }), { mend: `${called} --help` });
}

function problemOf(text: string, { row, called }: Called): string {
  const [, lacking, value] = /option `(?:-\w, )?(--[\w-]+) (.+)` value is missing/.exec(text) ?? [];
  if (lacking !== undefined) return `${lacking} lacks its value: ${lacking} ${value}`;
  const unknown = /Unknown option `(-+[^`]+)`/.exec(text)?.[1];
  if (unknown === undefined) return text;
  const known = [...row.options, ...globalOptions].map(([flags]) => flags.split(' ')[0] as string);
  const near = nearestName(unknown, known);
  return `${called} has no option ${unknown}${near ? `, did you mean ${near}?` : ''}`;
}
