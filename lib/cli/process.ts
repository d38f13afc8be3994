import { fstatSync } from 'node:fs';
import type { Colours } from '../report/colour.ts';
import { plainColours } from '../report/plain.ts';
import type { Terminal } from './command.ts';
import { openOutput, type Output } from './output.ts';

/** What a command has of the process that it is. */
export interface OwnProcess {
  /** the process's own, without colours */
  terminal: Terminal;
  /** whether an answer was printed */
  hasPrinted(): boolean;
  /** Ends the process once its output is out; open sockets do not hold it up. */
  endWith(exitCode: number): never;
  /** Ends it at once: what a reader has not taken by now is lost. */
  breakOff(exitCode: number): never;
}

/** What a run hears, so that it does not break off in the middle. */
const caught = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGTSTP'] as const;

/**
 * Takes over what the process is given. Losing the terminal (a closed pipe, SIGHUP) is not an interruption: what cannot be
 * written is left out, and the run goes on. Node's own streams are not touched: to set them up takes longer than to write.
 */
export function openProcess(argv: readonly string[]): OwnProcess {
  const [answers, complaints] = [openOutput(1), openOutput(2)];
  const isBehind = (): boolean => answers.isBehind() || complaints.isBehind();
  let hasPrinted = false;
  const print = (text: string): void => {
    hasPrinted = true;
    answers.write(`${text}\n`);
  };
  return {
    terminal: { ...telling(argv.includes('--json') ? complaints : answers, complaints), print, isBehind },
    hasPrinted: () => hasPrinted,
    endWith(exitCode) {
      // What was to be brought to an end has come to one: whoever waits for a reader now may be ended like any other.
      if (isBehind()) for (const name of caught) process.removeAllListeners(name);
      for (const output of [answers, complaints]) output.finish();
      process.exit(exitCode);
    },
    breakOff: (exitCode) => process.exit(exitCode),
  };
}

function telling(told: Output, complaints: Output): Omit<Terminal, 'print' | 'isBehind'> {
  let isRead = true;
  return {
    tell: (text) => {
      isRead = told.write(text) && isRead;
    },
    complain: (text) => void complaints.write(text),
    hasReader: () => isRead,
    colours: plainColours,
    isLive: false,
    env: process.env,
    cwd: workingDirectory(),
  };
}

/** The same terminal with colours, where it is one. */
export async function inColour(terminal: Terminal, argv: readonly string[]): Promise<Terminal> {
  if (!(await isTerminal(argv.includes('--json') ? 2 : 1))) return terminal;
  const { coloursFor } = await import('../report/colour.ts');
  const colours: Colours = coloursFor({ isTTY: true }, { env: terminal.env, isWanted: !argv.includes('--no-color') });
  return { ...terminal, isLive: true, colours };
}

async function isTerminal(descriptor: number): Promise<boolean> {
  try {
    if (!fstatSync(descriptor).isCharacterDevice()) return false;
  } catch {
    return false;
  }
  const { isatty } = await import('node:tty');
  return isatty(descriptor);
}

/** One that was removed leads nowhere: programs that are started there would fail, as Node itself does. */
function workingDirectory(): string {
  try {
    return process.cwd();
  } catch {
    process.chdir('/');
    return '/';
  }
}
