import { CutoverError, isCutoverError, messageOf } from '../../base/errors.ts';

/**
 * What is thrown where a service was moved, is proven to serve so, and not all of that can be written down: something was changed, and
 * it stays so.
 * @param serves how it serves now
 * @param again the command that goes on
 */
export function unwritten(serves: string, error: unknown, again: string): CutoverError {
  const what = `${serves}; what is left is to be written down: ${messageOf(error)}`;
  const mend = isCutoverError(error) && error.mend !== undefined ? `${error.mend}; then again` : 'mend that, and again';
  return new CutoverError('failed', what, { mend: `${mend}: ${again}`, cause: error });
}

/** The same where that it serves could not be written down at all. */
export function unproven(serves: string, error: unknown, again: string): CutoverError {
  return unwritten(`${serves}, and the next command on it takes that back first`, error, again);
}
