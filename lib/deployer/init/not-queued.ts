import { CutoverError, isCutoverError } from '../../base/errors.ts';

/**
 * Does work that `init` does on targets which somebody else may hold; other commands queue with `--wait`, and `init` knows none.
 * @throws `locked`, which says so; what the work throws
 */
export async function notQueued<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isCutoverError(error, 'locked')) throw error;
    const mend = 'cutover status; once that run has ended, the same command again';
    throw new CutoverError('locked', `${error.message}; nothing was changed`, { mend, cause: error });
  }
}
