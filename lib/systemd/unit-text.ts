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

/** A command for `ExecStart=` (systemd.service(5)): in its arguments, unlike in its file, "$" begins a variable. */
export function commandText([file, ...args]: readonly [string, ...string[]]): string {
  return [unitWord(file), ...args.map((arg) => unitWord(arg).replaceAll('$', '$$$$'))].join(' ');
}
