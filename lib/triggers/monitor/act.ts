import { isCutoverError } from '../../base/errors.ts';
import type { MonitorConfig } from '../../config/model.ts';
import type { Place } from '../../deployer/place.ts';
import { attempt } from '../../deployer/recover/attempt.ts';
import { rollback } from '../../deployer/rollback.ts';
import type { Cause } from '../../run/cause.ts';
import type { RunDocument } from '../../run/document.ts';
import type { Problem } from './state.ts';

export type MonitorAction = 'restart' | 'rollback';

/** What an action came to. */
export interface Acted {
  actions: string[];
  document: RunDocument | null;
  /** false: nothing was begun, and what was seen still holds */
  isTried: boolean;
}

/**
 * What is to be done about a service that is not well. A restart is tried again once the failures since the last one add up
 * once more; a rollback once, since the next one would leave for builds that nobody asked for. What was kept from beginning is
 * tried by the next pass. A pass that does not count does neither, except in the bake time.
 */
export function actionFor(
  { passes, acted, restarted = 0 }: Problem,
  { failures, action }: Pick<MonitorConfig, 'failures' | 'action'>,
  { isInBake, isCounted }: { isInBake: boolean; isCounted: boolean },
): MonitorAction | null {
  if (isInBake && acted === 0) return 'rollback';
  if (!isCounted || passes < failures || action === 'alert') return null;
  if (action === 'restart') return passes - restarted >= failures ? 'restart' : null;
  return acted === 0 ? 'rollback' : null;
}

/** The problem once something is done about it. */
export function actedOn(problem: Problem, action: MonitorAction): Problem {
  const acted = problem.acted + 1;
  return action === 'restart' ? { ...problem, acted, restarted: problem.passes } : { ...problem, acted };
}

/**
 * Acts, as a run of its own with ledger and gate. What keeps it from acting is told, and the next pass tries again.
 * @param cause what the service showed: it goes with the run
 * @throws `systemd_unavailable`, `bus_lost`; the signal's reason
 */
export async function act(place: Place, action: MonitorAction, cause: Cause): Promise<Acted> {
  return action === 'restart' ? restart(place, cause) : goBack(place, cause);
}

/** Whether a run began a step that changes something, or would not be permitted the next time either. */
export function isBegun({ outcome, failure }: Pick<RunDocument, 'outcome' | 'failure'>): boolean {
  return outcome === 'refused' ? failure?.reason === 'permission' : outcome !== 'interrupted';
}

async function restart(place: Place, cause: Cause): Promise<Acted> {
  const { actions, findings, document } = await attempt(place, { isLast: false, cause });
  const isTried = document !== null || actions.length > 0;
  // Where systemd starts it again and again by itself there is nothing to start, and people have to be told.
  return { actions: isTried ? actions : findings.map((finding) => `could not restart: ${finding}`), document, isTried };
}

async function goBack(place: Place, cause: Cause): Promise<Acted> {
  try {
    const document = await rollback(place, { waitMs: 0, cause });
    const { outcome, active, failure } = document;
    const did = outcome === 'deployed' ? `went back to ${active}` : `tried to go back: ${failure?.message ?? outcome}`;
    return { actions: [did], document, isTried: isBegun(document) };
  } catch (error) {
    if (!isCutoverError(error, 'locked', 'no_build', 'refused', 'permission', 'disk', 'config')) throw error;
    // Nothing was changed, and a person may mend what is in the way.
    const isTried = !isCutoverError(error, 'locked', 'disk', 'refused');
    return { actions: [`could not go back: ${error.message}`], document: null, isTried };
  }
}
