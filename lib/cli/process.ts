import { writeSync } from 'node:fs';
import type { Terminal } from './command.ts';

/**
 * The process's own terminal. Losing it (a closed pipe, SIGHUP) is not an interruption: what cannot be written is
 * left out, and the run goes on.
 */
export async function openTerminal(argv: readonly string[]): Promise<Terminal> {
  const isJson = argv.includes('--json');
  const isWanted = !argv.includes('--no-color');
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  const told = isJson ? process.stderr : process.stdout;
  const isLive = told.isTTY;
  const { coloursFor } = await import('../report/colour.ts');
  return {
    print: (text) => writeOut(1, `${text}\n`),
    tell: (text) => writeOut(isJson ? 2 : 1, text),
    complain: (text) => writeOut(2, text),
    colours: coloursFor(told, { isWanted, env: process.env }),
    isLive,
    env: process.env,
    cwd: process.cwd(),
  };
}

/** Ends the process once its output is out; open sockets do not hold it up. */
export async function endWith(exitCode: number): Promise<never> {
  process.exit(exitCode);
}

/** Written at once, so that nothing is lost at the exit; a reader that is slow is waited for, one that is gone is not. */
function writeOut(descriptor: number, text: string): void {
  let rest = Buffer.from(text);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(descriptor, rest));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}
