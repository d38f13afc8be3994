import { CutoverError, messageOf } from '../../base/errors.ts';
import { type Answer, fail, pass } from '../check.ts';
import { shortened } from './excerpt.ts';

/** Asks a store for the rows of a query. */
export type AskStore = (sql: string) => Promise<string>;

/** What is wrong with the rows, or null; and what they say. */
export interface Judgement {
  problem: string | null;
  observed: string;
}

/**
 * One question to a store. What it says of the store, or of the question, is the answer.
 * @throws the signal's reason
 */
export async function askStored(
  ask: AskStore,
  { sql, expected, mend }: { sql: string; expected: string; mend: string },
  judge: (rows: string[]) => Judgement,
  signal: AbortSignal,
): Promise<Answer> {
  try {
    const { problem, observed } = judge((await ask(sql)).split('\n').filter((row) => row !== ''));
    return problem === null ? pass(observed, expected) : fail(problem, expected, mend);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof CutoverError)) throw error;
    return fail(shortened(messageOf(error)), expected, error.mend ?? mend);
  }
}

/** A configured query need only succeed; what it says first is worth showing. */
export function askQuery(ask: AskStore, query: string, mend: string, signal: AbortSignal): Promise<Answer> {
  const question = { sql: query, expected: 'the query succeeds', mend };
  return askStored(ask, question, anyAnswer, signal);
}

function anyAnswer([first = 'nothing']: string[]): Judgement {
  return { problem: null, observed: `the query says ${shortened(first)}` };
}

/** A text as SQL has it. */
export function sqlText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
