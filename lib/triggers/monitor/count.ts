import type { Place } from '../../deployer/place.ts';
import type { Known } from './known.ts';
import type { Found } from './looks.ts';
import { noteState, stateKey } from './note.ts';
import { type IsSeen, type MonitorState, problemsNow, rowsOf } from './state.ts';

/** Problems as a pass counted them. */
export interface Counted {
  problems: MonitorState['problems'];
  /** what keeping them showed */
  noted: Found[];
}

/**
 * Counts what was found, before anything is done: whoever dies meanwhile has counted.
 * @param isSeen the problems that the pass can speak of, which are over where they were not found; none is given: all
 */
export async function countProblems(
  place: Pick<Place, 'paths'>,
  { rules, before }: Pick<Known, 'rules' | 'before'>,
  { found, isSeen = () => true }: { found: readonly Found[]; isSeen?: IsSeen },
): Promise<Counted> {
  const now = { nowMs: Date.now(), everyMs: rules.everyMs };
  const unseen = rowsOf(before.problems, (key) => !isSeen(key));
  const keys = found.map(({ key }) => key);
  const problems = { ...unseen, ...problemsNow(before.problems, keys, now) };
  const noted = await noteState(place, { ...before, problems });
  if (noted.length === 0) return { problems, noted };
  const withState = { ...problems, ...problemsNow(before.problems, [stateKey], now) };
  return { problems: withState, noted: await noteState(place, { ...before, problems: withState }) };
}
