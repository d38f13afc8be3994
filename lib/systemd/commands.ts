import { unitWord } from './unit-text.ts';

/** A command of a unit as systemd has read it: specifiers are filled in, and "$" is as it stands in the file. */
export interface UnitCommand {
  /** the program, and its arguments */
  argv: string[];
  /** what stands in front of the program: "-", "+" and their like (systemd.service(5), "Command lines") */
  prefix?: string;
  /** the name that the program is told it has, where that is not its own: "@" */
  calledAs?: string;
}

/** The properties that tell of the commands of a setting, the one that tells more first. */
export function commandProperties(setting: string): [string, string] {
  return [`${setting}Ex`, setting];
}

/** The commands in such a property; none: []. */
export function commandsFrom(property: unknown): UnitCommand[] {
  const lines = (property as [string, string[], boolean | string[]][] | null | undefined) ?? [];
  return lines.map(([file, [name = file, ...args], how]) => ({
    argv: [file, ...args],
    prefix: prefixOf(how),
    ...(name === file ? {} : { calledAs: name }),
  }));
}

/** The command as a unit file has it. @param change makes another word of each */
export function lineOf({ argv, prefix = '', calledAs }: UnitCommand, change = (word: string): string => word): string {
  const [file = '', ...args] = argv;
  const words = calledAs === undefined ? [file, ...args] : [file, calledAs, ...args];
  return `${prefix}${calledAs === undefined ? '' : '@'}${words.map((word) => unitWord(change(word))).join(' ')}`;
}

const prefixes = new Map([
  ['ignore-failure', '-'],
  ['no-env-expand', ':'],
  ['privileged', '+'],
  ['no-setuid', '!'],
  ['ambient', '!!'],
]);

function prefixOf(how: boolean | string[]): string {
  if (typeof how === 'boolean') return how ? '-' : '';
  return how.map((flag) => prefixes.get(flag) ?? '').join('');
}
