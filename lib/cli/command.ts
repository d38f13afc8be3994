import type { Colours } from '../report/colour.ts';

/** Where a command's output goes, and what it may read of its surroundings. */
export interface Terminal {
  /** the answer; with `--json` exactly one document */
  print: (text: string) => void;
  /** everything on the way; with `--json` it goes to stderr */
  tell: (text: string) => void;
  /** stderr */
  complain: (text: string) => void;
  colours: Colours;
  isLive: boolean;
  /** false once something could not be told because whoever read is gone: a pipe was closed, a terminal went */
  hasReader: () => boolean;
  /** whether something told before waits for whoever reads, as behind a terminal that was stopped (Ctrl-S) */
  isBehind: () => boolean;
  env: NodeJS.ProcessEnv;
  cwd: string;
}

export interface GlobalOptions {
  /** cac makes numbers of what looks like one */
  config?: string | number;
  json?: boolean;
  quiet?: boolean;
  verbose?: boolean;
}

/** A command's work: words and options in, exit code out. */
export type Run<Options = Record<string, unknown>> = (
  words: string[],
  options: GlobalOptions & Options,
  terminal: Terminal,
) => Promise<number>;

/** The option of every command that takes the target. */
export const waitOption: [flags: string, does: string] = [
  '--wait [time]',
  'queue behind a run in progress, at most this long (default 5min)',
];

/** The executables that keep the names of the scripts they replace, and the command that each is. */
export const commandOfTool: Readonly<Record<string, string>> = {
  'pre-deployment-check': 'check',
  'safe-deploy': 'deploy',
  'deploy-with-zero-downtime': 'direct',
};

/** The options of every command. */
export const globalOptions: [flags: string, does: string][] = [
  ['--config <file>', 'the configuration file'],
  ['--json', 'print exactly one JSON document on stdout'],
  ['--quiet', 'only the last sentence'],
  ['--verbose', 'every attempt, and where an error came from'],
  ['--no-color', 'no colours'],
];

/** What every command can be asked in place of its work. */
export const askedOptions: [flags: string, does: string][] = [
  ['-h, --help', 'what the command does, its options and examples'],
  ['-v, --version', 'the version'],
];

/** Flags as a person has to type them: a value that may be left out is given with "=". */
export function shownFlags(flags: string): string {
  return flags.replace(/ \[(.+)\]$/, '[=$1]');
}

/** A row of the command table; `load` keeps what other commands need off this one's start. */
export interface CommandRow {
  name: string;
  words: string;
  does: string;
  options: [flags: string, does: string][];
  examples: string[];
  load: () => Promise<{ run: Run<never> }>;
  isHidden?: boolean;
}
