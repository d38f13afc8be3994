import { isCutoverError } from '../../base/errors.ts';
import { StepFailure } from '../../run/failure.ts';

/** What is said of the service is no obstacle to what comes next; anything else is. @throws what stands in the way */
export async function problemOf(moving: Promise<void>): Promise<Error | null> {
  try {
    await moving;
    return null;
  } catch (error) {
    if (error instanceof StepFailure || isCutoverError(error, 'timeout')) return error;
    throw error;
  }
}
