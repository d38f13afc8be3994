import { messageOf } from '../../base/errors.ts';
import { openController, sleep } from '../../base/wait.ts';
import type { Place } from '../../deployer/place.ts';
import type { Cause } from '../../run/cause.ts';
import type { RunEvent } from '../../run/events.ts';
import { type Acted, act, actedOn, actionFor, type MonitorAction } from './act.ts';
import type { Known } from './known.ts';
import { failing, lookAtService, type Seen, serviceKey } from './looks.ts';
import { noteState } from './note.ts';
import type { Starts } from './starts.ts';
import type { MonitorState, Problem } from './state.ts';

/** A failure in the bake time counts when it is still there after this. */
const confirmMs = 5_000;

/** Does what the rules ask for, and looks again. A problem that is gone then is taken out of `problems`. */
export async function respond(
  place: Place,
  { rules, before, startsBefore, isInBake }: Known,
  { seen, problems }: { seen: Seen; problems: MonitorState['problems'] },
): Promise<{ seen: Seen; acted: Acted }> {
  const problem = problems[serviceKey];
  const nothing = { seen, acted: { actions: [], document: null, isTried: false } };
  if (!problem) return nothing;
  const isConfirmed = isInBake && problem.acted === 0 && (await isStillUnwell(place, startsBefore));
  const isCounted = before.problems[serviceKey]?.passes !== problem.passes;
  const action = actionFor(problem, rules, { isConfirmed, isCounted });
  if (action === null) return nothing;
  const acted = await actCounted(place, { action, cause: causeIn(place, seen, problem) }, (isActing) => {
    problems[serviceKey] = isActing ? actedOn(problem, action) : problem;
    return noteState(place, { ...before, problems });
  });
  if (!acted.isTried) return { seen, acted };
  const others = seen.found.filter(({ key }) => key !== serviceKey);
  const again = await lookAfter(place, { seen, acted });
  const service = again.found.filter(({ key }) => key === serviceKey);
  if (service.length === 0) delete problems[serviceKey];
  return { seen: { ...again, found: [...service, ...others] }, acted };
}

/**
 * Whoever dies meanwhile has acted: another rollback would go one build further back. What ended before its run began has not,
 * as where it was interrupted, or systemd could not be reached: the next pass tries again.
 */
async function actCounted(
  place: Place,
  { action, cause }: { action: MonitorAction; cause: Cause },
  note: (isActing: boolean) => Promise<unknown>,
): Promise<Acted> {
  await note(true);
  let isRun = false;
  const emit = (event: RunEvent): void => {
    // One that is resumed was another's.
    isRun ||= event.type === 'begin' && !event.isResumed;
    place.emit(event);
  };
  const acted = await act({ ...place, emit }, action, cause).catch(async (error: unknown) => {
    if (!isRun) await note(false);
    throw error;
  });
  if (!acted.isTried) await note(false);
  return acted;
}

/**
 * The service as an action left it. A run that was carried out is told of whatever keeps it from being seen.
 * @throws as `lookAtService` where there was no run
 */
export async function lookAfter(place: Place, { seen, acted }: { seen: Seen; acted: Acted }): Promise<Seen> {
  try {
    // An interruption is told of with what it left.
    return await lookAtService({ ...place, signal: openController().signal }, null);
  } catch (error) {
    if (acted.document === null) throw error;
    const message = `it could not be looked at after run ${acted.document.run}: ${messageOf(error)}`;
    return { ...seen, found: [failing(serviceKey, message)] };
  }
}

async function isStillUnwell(place: Place, before: Starts | null): Promise<boolean> {
  await sleep(confirmMs, place.signal);
  return (await lookAtService(place, before)).found.some(({ key }) => key === serviceKey);
}

/** What the run that follows is begun for. */
function causeIn({ redact }: Place, { found }: Seen, { since }: Problem): Cause {
  const { reason = 'health', message = '' } = found.find(({ key }) => key === serviceKey) ?? {};
  return { by: 'monitor', reason, message: redact(message), since, evidence: null };
}
