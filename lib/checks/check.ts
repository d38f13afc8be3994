import { CutoverError, messageOf } from '../base/errors.ts';

export type CheckStatus = 'pass' | 'warn' | 'fail';

/** What a check found: the fact, what should have been, and the command that mends it. */
export interface Answer {
  status: CheckStatus;
  observed: string;
  expected: string;
  mend: string | null;
  /** what a question with several parts found, part by part */
  findings?: Finding[];
}

/** One part of an answer: the rule that was asked, and what it found. */
export interface Finding {
  rule: string;
  status: CheckStatus;
  observed: string;
  expected: string;
  mend: string | null;
}

/** A question about the machine, ready to be asked. */
export interface Check {
  name: string;
  ask: () => Promise<Answer>;
}

/** A question that was asked. */
export interface CheckAnswer extends Answer {
  name: string;
  /** absent: it was asked before the deploy */
  when?: 'after';
}

/** A good answer. */
export function pass(observed: string, expected: string): Answer {
  return { status: 'pass', observed, expected, mend: null };
}

/** A bad answer, with what to type. */
export function fail(observed: string, expected: string, mend: string): Answer {
  return { status: 'fail', observed, expected, mend };
}

/** An answer that is worth a look and stops nothing. */
export function warn(observed: string, expected: string, mend: string): Answer {
  return { status: 'warn', observed, expected, mend };
}

/**
 * Asks all checks at once; a check that cannot be asked has failed.
 * @param onAnswer called with each answer as it comes
 * @returns the answers in the order of the checks
 */
export function askAll(checks: readonly Check[], onAnswer?: (answer: CheckAnswer) => void): Promise<CheckAnswer[]> {
  return Promise.all(
    checks.map(async ({ name, ask }) => {
      const found = await answerOf(ask);
      const answer = { name, ...found };
      onAnswer?.(answer);
      return answer;
    }),
  );
}

/** What was asked, or that it could not be asked. */
export async function answerOf(ask: Check['ask']): Promise<Answer> {
  try {
    return await ask();
  } catch (error) {
    const mend = error instanceof CutoverError ? error.mend : undefined;
    return fail(messageOf(error), 'an answer', mend ?? 'look at the cause named here');
  }
}

/** Whether nothing speaks against going on. */
export function isSafe(answers: readonly CheckAnswer[]): boolean {
  return answers.every(({ status }) => status !== 'fail');
}
