import { CutoverError, messageOf } from '../../base/errors.ts';

/** What is thrown where neither the change nor the way back from it came to its end. @param what why the change did not */
export function wayBackFailed(
  what: string,
  second: unknown,
  { mend, cause }: { mend: string; cause: unknown },
): CutoverError {
  return new CutoverError('failed', `${what}; and the way back failed: ${messageOf(second)}`, { mend, cause });
}
