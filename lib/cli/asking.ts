import { createInterface } from 'node:readline/promises';
import { isCutoverError } from '../base/errors.ts';
import { openController } from '../base/wait.ts';
import { interruption } from '../run/engine.ts';

/** Asks one thing on the terminal; the answer is what was typed, without the spaces around it. */
export type AskLine = (text: string) => Promise<string>;

/**
 * Asks on the terminal, standard error beside standard input.
 * @returns what the questions come to; null at the end of the input
 * @throws `interrupted` at Ctrl-C; what `questions` throws
 */
export async function askOnTerminal<T>(questions: (ask: AskLine) => Promise<T>): Promise<T | null> {
  // A question stays open when its interface closes, and the process would end without a word.
  const ended = openController();
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  let isInterrupted = false;
  lines.once('SIGINT', () => {
    isInterrupted = true;
    lines.close();
  });
  lines.once('close', () => ended.abort());
  try {
    return await questions(async (text) => (await lines.question(text, { signal: ended.signal })).trim());
  } catch (error) {
    if (isInterrupted) throw interruption('SIGINT');
    if (ended.signal.aborted && !isCutoverError(error)) return null;
    throw error;
  } finally {
    lines.close();
  }
}
