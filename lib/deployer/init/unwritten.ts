import { CutoverError, isCutoverError, messageOf } from '../../base/errors.ts';
import type { StagedFile } from '../../base/files.ts';

/** How a service is proven to serve by now. */
export interface Proven {
  /** in words */
  serves: string;
  /** the command that goes on with what is left to be written */
  again: string;
}

/**
 * Writes down that a service has proven itself, and then what is left. From the first on whoever comes after a killed process goes on
 * instead of back.
 * @param proof the record that says so
 * @param finish as `writeRest` does it
 * @throws `failed`: it serves so all the same
 */
export async function writeProof(
  proven: Proven,
  proof: StagedFile,
  finish: () => Promise<CutoverError | null>,
): Promise<void> {
  await proof.commit().catch((error: unknown) => {
    const { serves, again } = proven;
    throw unwritten({ serves: `${serves}, and the next command on it takes that back first`, again }, error);
  });
  const lacking = await finish();
  if (lacking) throw lacking;
}

/** Writes what is left of a change that was proven. @returns what could not be written; null: all of it was */
export async function writeRest(proven: Proven, write: () => Promise<void>): Promise<CutoverError | null> {
  try {
    await write();
    return null;
  } catch (error) {
    return unwritten(proven, error);
  }
}

/**
 * What is thrown where a service was moved, is proven to serve so, and not all of that can be written down: something was changed, and
 * it stays so.
 */
function unwritten({ serves, again }: Proven, error: unknown): CutoverError {
  const what = `${serves}; what is left is to be written down: ${messageOf(error)}`;
  const mend = isCutoverError(error) && error.mend !== undefined ? `${error.mend}; then again` : 'mend that, and again';
  return new CutoverError('failed', what, { mend: `${mend}: ${again}`, cause: error });
}
