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
