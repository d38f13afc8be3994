import { fstatSync, writeSync } from 'node:fs';
import type { Colours } from '../report/colour.ts';
import { plainColours } from '../report/plain.ts';
import type { Terminal } from './command.ts';

/**
 * The process's own terminal. Losing it (a closed pipe, SIGHUP) is not an interruption: what cannot be written is
 * left out, and the run goes on. Node's own streams are not touched: to set them up takes longer than to write.
 */
export async function openTerminal(argv: readonly string[]): Promise<Terminal> {
  const told = argv.includes('--json') ? 2 : 1;
  const isLive = await isTerminal(told);
  let isRead = true;
  return {
    print: (text) => void writeOut(1, `${text}\n`),
    tell: (text) => {
      isRead = writeOut(told, text) && isRead;
    },
    complain: (text) => void writeOut(2, text),
    hasReader: () => isRead,
    colours: isLive ? await colours(argv) : plainColours,
    isLive,
    env: process.env,
    cwd: process.cwd(),
  };
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

async function colours(argv: readonly string[]): Promise<Colours> {
  const { coloursFor } = await import('../report/colour.ts');
  return coloursFor({ isTTY: true }, { env: process.env, isWanted: !argv.includes('--no-color') });
}

/** Ends the process once its output is out; open sockets do not hold it up. */
export async function endWith(exitCode: number): Promise<never> {
  process.exit(exitCode);
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
