import { escapeUnitName } from './names.ts';

/**
 * The instance that `%I` turns back into these parts with "/" between them (systemd-escape(1)): "/" becomes "-", and
 * a "-" of a part itself `\x2d`.
 */
export function instanceName(...parts: string[]): string {
  return parts.map((part) => escapeUnitName(part).replaceAll('-', String.raw`\x2d`)).join('-');
}

/** A path as a setting that takes one path and no list has it: a lone "%" begins a specifier (systemd.unit(5)). */
export function unitPathText(path: string): string {
  return path.replaceAll('%', '%%');
}

/** One word of a list or a command line in a unit file, in quotes where it needs them (systemd.syntax(7)). */
export function unitWord(word: string): string {
  const text = unitPathText(word).replaceAll(/["\\]/g, String.raw`\$&`);
  return /^[\w@%+=:,./-]+$/.test(word) ? text : `"${text}"`;
}

/** An argument of a transient unit's command: no specifier is looked for in it, but "$" begins a variable there as well. */
export function transientArgument(word: string): string {
  return word.replaceAll('$', '$$$$');
}

/** A command for `ExecStart=` (systemd.service(5)): in its arguments, unlike in its file, "$" begins a variable. */
export function commandText([file, ...args]: readonly [string, ...string[]]): string {
  return [unitWord(file), ...args.map((arg) => transientArgument(unitWord(arg)))].join(' ');
}
