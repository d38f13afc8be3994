import { CutoverError } from '../base/errors.ts';

/** What was made to be thrown away is not all gone. Whoever ends for another reason must not keep silent about it. */
export class SomethingLeft extends CutoverError {
  constructor(message: string, more: { mend: string; cause?: unknown }) {
    super('sandbox', message, more);
  }
}
