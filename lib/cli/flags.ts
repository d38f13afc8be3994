import { askedOptions, type CommandRow, globalOptions } from './command.ts';

/** The flags that a command takes, those of every command included. */
export function optionsOf(row: CommandRow | undefined): readonly [flags: string, does: string][] {
  return [...(row?.options ?? []), ...globalOptions, ...askedOptions];
}

/** The flags of an option by its name: `--wait [time]` for `--wait`. */
export function flagsNamed(row: CommandRow | undefined, name: string): string | undefined {
  return optionsOf(row).find(([flags]) => flags.split(/,? /).includes(name))?.[0];
}
