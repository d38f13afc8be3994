import { CutoverError } from '../../base/errors.ts';
import type { RunDocument } from '../../run/document.ts';

/** What became of a change of a unit that had been cut off. */
export interface EndedChange {
  /** what was done, in words */
  text: string;
  /** it is as it was before the change */
  isTakenBack: boolean;
  /** what is thrown where its end was all that was to be done: the service does not serve since, or not all is written down */
  failure: CutoverError | null;
}

/** A change that was proven before it was cut off. @param lacking what could not be written down; null: all of it was */
export function goneOnWith(text: string, lacking: CutoverError | null): EndedChange {
  return { text, isTakenBack: false, failure: lacking };
}

/** A change that was taken back. @param problem what is wrong with the service since; null: it serves. @param mend what to type then */
export function takenBack(text: string, problem: Error | null, mend: string): EndedChange {
  return { text, isTakenBack: true, failure: problem && new CutoverError('failed', text, { mend, cause: problem }) };
}

/**
 * Finds out what is to be done once such a change has ended.
 * @param isNothing whether nothing is
 * @throws what the planning throws; before that, that a service is down since the change was taken back, which may be why; and what is
 *   left of a change where nothing else is to be done
 */
export async function planAfter<Plan>(
  ended: EndedChange | null,
  planning: Promise<Plan>,
  isNothing: (plan: Plan) => boolean,
): Promise<Plan> {
  const failure = ended?.failure ?? null;
  const plan = await planning.catch((error: unknown) => {
    throw ended?.isTakenBack && failure ? failure : error;
  });
  if (failure && isNothing(plan)) throw failure;
  return plan;
}

/**
 * Does what was asked for once such a change has ended. Where nothing comes of it, the end of the change is told with the reason.
 * @param nothing what was not done then, in words
 * @throws what the work throws
 */
export async function afterChange(
  ended: EndedChange | null,
  nothing: string,
  work: () => Promise<RunDocument>,
): Promise<RunDocument> {
  if (ended === null) return work();
  const { text } = ended;
  const document = await work().catch((error: unknown) => {
    if (!(error instanceof CutoverError)) throw error;
    const { code, message, mend } = error;
    throw new CutoverError(code, `${text}; then ${nothing}: ${message}`, { mend, cause: error });
  });
  return document.outcome === 'refused' ? { ...document, ended_first: text } : document;
}
