import { CutoverError, messageOf } from '../base/errors.ts';
import { nearestName } from '../config/nearest.ts';
import { type CommandRow, globalOptions } from './command.ts';
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
 * for a word, such as the name of a target. One that has one value has it once: the parser would make a list of them.
 * @param argv what was typed, up to "--"
 * @throws `usage`
 */
export function requireOptionsAsWritten(argv: readonly string[], { row, called }: Called): void {
  for (const [at, word] of argv.entries()) {
    const [name = '', value] = word.split(/=(.*)/s);
    const flags = flagsNamed(row, name);
    const next = argv[at + 1] ?? '';
    if (flags !== undefined && value !== undefined && !/[<[]/.test(flags)) {
      throw new CutoverError('usage', `${name} takes no value`, { mend: `${called} --help` });
    }
    if (flags !== undefined && /[<[]/.test(flags) && !flags.includes('...') && isGivenBefore(name, argv.slice(0, at))) {
      throw new CutoverError('usage', `${name} is given twice`, { mend: `${called} --help` });
    }
    if (flags?.includes('[') && value === undefined && /^\d+(ms|s|m|min|h|d)$/.test(next)) {
      throw new CutoverError('usage', `${next} is read as a word of its own, and not as the value of ${name}`, {
        mend: `${name}=${next}`,
      });
    }
  }
}

function isGivenBefore(name: string, argv: readonly string[]): boolean {
  return argv.some((word) => word === name || word.startsWith(`${name}=`));
}

/**
 * cac takes any number of words, and does not count those behind "--"; one too many is a mistake, such as a forgotten "--".
 * What may be left out stands first, so it is the last ones that are missing.
 * @throws `usage`
 */
export function requireWords(given: readonly string[], { row: { words }, called }: Called): void {
  const known = words.split(' ').filter(Boolean);
  const needed = known.filter((word) => word.startsWith('<'));
  const mend = `${called} --help`;
  if (given.length < needed.length) {
    throw new CutoverError('usage', `${called} lacks ${needed[given.length]}`, { mend });
  }
  if (given.length <= known.length || words.includes('...')) return;
  throw new CutoverError('usage', `${called} does not know what to do with "${given[known.length]}"`, { mend });
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
