import { type CheckAnswer, isSafe } from '../checks/check.ts';
import type { Place } from './place.ts';
import { askPreflight, readSituation } from './situation.ts';

/** What `cutover check` prints. */
export interface CheckReport {
  target: string;
  safe: boolean;
  checks: CheckAnswer[];
}

/** The pre-deployment checks on their own (S1); changes nothing and takes no lock. */
export async function check(place: Place): Promise<CheckReport> {
  const checks = await askPreflight(place, await readSituation(place, undefined), { isFixForward: false });
  return { target: place.target.name, safe: isSafe(checks), checks };
}
