import { type CheckAnswer, isSafe } from '../checks/check.ts';
import type { Place } from './place.ts';
import { unseenJournal } from '../deploy/unjudged.ts';
import { askPreflight, readWhatThereIs } from './situation.ts';

/** What `cutover check` prints. */
export interface CheckReport {
  target: string;
  safe: boolean;
  checks: CheckAnswer[];
}

/** The pre-deployment checks on their own (S1); changes nothing and takes no lock. */
export async function check(place: Place): Promise<CheckReport> {
  const { target, config, emit, signal } = place;
  const situation = await readWhatThereIs(place);
  const [checks, unseen] = await Promise.all([
    askPreflight(place, situation, { isFixForward: false, isThorough: true, mayMend: false }),
    situation.from === null
      ? null
      : unseenJournal(target.unit, { limits: target.limits, manager: config.manager, signal }),
  ]);
  if (unseen) emit({ type: 'note', message: unseen });
  return { target: target.name, safe: isSafe(checks), checks };
}
