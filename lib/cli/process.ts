import { fstatSync, writeSync } from 'node:fs';
import type { Colours } from '../report/colour.ts';
import { plainColours } from '../report/plain.ts';
import type { Terminal } from './command.ts';

/** What a command has of the process that it is. */
export interface OwnProcess {
  /** the process's own, without colours */
  terminal: Terminal;
  /** Ends the process once its output is out; open sockets do not hold it up. */
  endWith(exitCode: number): never;
}

/**
 * Takes over what the process is given. Losing the terminal (a closed pipe, SIGHUP) is not an interruption: what cannot be
 * written is left out, and the run goes on. Node's own streams are not touched: to set them up takes longer than to write.
 */
export function openProcess(argv: readonly string[]): OwnProcess {
  const told = argv.includes('--json') ? 2 : 1;
  let isRead = true;
  return {
    terminal: {
      print: (text) => void writeOut(1, `${text}\n`),
      tell: (text) => {
        isRead = writeOut(told, text) && isRead;
      },
      complain: (text) => void writeOut(2, text),
      hasReader: () => isRead,
      colours: plainColours,
      isLive: false,
      env: process.env,
      cwd: workingDirectory(),
    },
    endWith: (exitCode) => process.exit(exitCode),
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

/**
 * Written at once, so that nothing is lost at the exit; a reader that is slow is waited for, one that is gone is not.
 * @returns whether all of it was written
 */
function writeOut(descriptor: number, text: string): boolean {
  let rest = Buffer.from(text);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(descriptor, rest));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return false;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
  return true;
}
