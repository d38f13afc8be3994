import { isCutoverError, messageOf } from '../base/errors.ts';
import { redactText } from '../config/secrets.ts';
import type { Terminal } from './command.ts';
import { defect } from './defect.ts';
import type { OwnProcess } from './process.ts';

/** Who is told of an error. */
interface Called {
  words: readonly string[];
  terminal: Terminal;
}

/** What is known of an error besides its message. */
interface Known {
  code: string;
  mend: string | undefined;
  exitCode: number;
}

/**
 * Tells an error: in words, and where it was asked for as the one document.
 * @param known what is known of it
 * @returns the exit code that it leads to
 */
export function tellError(
  error: unknown,
  { words, terminal }: Called,
  known: Known = isCutoverError(error) ? error : defect,
): number {
  const { code, mend: told, exitCode } = known;
  // What was thrown before a place was there has nobody to say which words are secrets: addresses go by how they look.
  const [message, mend] = [redactText(messageOf(error)), told === undefined ? null : redactText(told)];
  if (words.includes('--json')) {
    terminal.print(JSON.stringify({ error: { code, message, mend }, exit_code: exitCode }));
  }
  terminal.complain(`cutover: ${message}\n${mend ? `  -> ${mend}\n` : ''}`);
  // Not before it is wanted: V8 looks through the whole program to say which line is which.
  const stack = words.includes('--verbose') && error instanceof Error ? error.stack : undefined;
  if (stack) terminal.complain(`${redactText(stack)}\n`);
  return exitCode;
}

/**
 * After an error that nobody caught nobody knows how far a run is: the process ends at once, which has systemd settle the run.
 * A command with a listener of its own knows better.
 */
export function endAtDefect(called: Called, own: OwnProcess): void {
  process.on('uncaughtException', (error) => {
    if (process.listenerCount('uncaughtException') > 1) return;
    // There is one document: of an outcome that was told already it stays the last word.
    const words = called.words.filter((word) => word !== '--json' || !own.hasPrinted());
    own.breakOff(tellError(error, { ...called, words }, defect));
  });
}
