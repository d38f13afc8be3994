import type { Place } from '../../deployer/place.ts';
import type { Known } from './known.ts';
import type { Found } from './looks.ts';
import { noteState, stateKey } from './note.ts';
import { type MonitorState, problemsNow } from './state.ts';

/** Problems as a pass counted them. */
export interface Counted {
  problems: MonitorState['problems'];
  /** what keeping them showed */
  noted: Found[];
}

/** Counts what was found, before anything is done: whoever dies meanwhile has counted. */
export async function countProblems(
  place: Pick<Place, 'paths'>,
  { rules, before }: Pick<Known, 'rules' | 'before'>,
  found: readonly Found[],
): Promise<Counted> {
  const now = { nowMs: Date.now(), everyMs: rules.everyMs };
  const keys = found.map(({ key }) => key);
  const problems = problemsNow(before.problems, keys, now);
  const noted = await noteState(place, { ...before, problems });
  if (noted.length === 0) return { problems, noted };
  const withState = problemsNow(before.problems, [...keys, stateKey], now);
  return { problems: withState, noted: await noteState(place, { ...before, problems: withState }) };
}
