import { messageOf } from '../../base/errors.ts';
import { openController, sleep } from '../../base/wait.ts';
import type { Place } from '../../deployer/place.ts';
import type { Cause } from '../../run/cause.ts';
import type { RunEvent } from '../../run/events.ts';
import { type Acted, act, actedOn, actionFor, type MonitorAction } from './act.ts';
import { type Known, whyOutdated } from './known.ts';
import { failing, lookAtService, type Seen, serviceKey } from './looks.ts';
import { noteState } from './note.ts';
import type { MonitorState, Problem } from './state.ts';

/** A failure is a reason to go back when it is still there after this. */
const confirmMs = 5_000;

const nothing: Acted = { actions: [], document: null, isTried: false };

/** Does what the rules ask for, and looks again. A problem that is gone then is taken out of `problems`. */
export async function respond(
  place: Place,
  known: Known,
  { seen, problems }: { seen: Seen; problems: MonitorState['problems'] },
): Promise<{ seen: Seen; acted: Acted }> {
  const { rules, before, isInBake } = known;
  const problem = problems[serviceKey];
  if (!problem) return { seen, acted: nothing };
  const isCounted = before.problems[serviceKey]?.passes !== problem.passes;
  const action = actionFor(problem, rules, { isInBake, isCounted });
  if (action === null) return { seen, acted: nothing };
  const kept = action === 'rollback' ? await whyNotBack(place, known, { seen, problem }) : null;
  if (kept !== null) return { seen, acted: kept };
  const acted = await actCounted(place, { action, cause: causeIn(place, seen, problem) }, (isActing) => {
    problems[serviceKey] = isActing ? actedOn(problem, action) : problem;
    return noteState(place, { ...before, problems });
  });
  if (!acted.isTried) return { seen, acted };
  const others = seen.found.filter(({ key }) => key !== serviceKey);
  const again = await lookAfter(place, { seen, acted });
  const service = again.found.filter(({ key }) => key === serviceKey);
  if (service.length === 0) delete problems[serviceKey];
  return { seen: { ...again, found: [...service, ...others], isSeen: seen.isSeen }, acted };
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

/**
 * A rollback leaves a build for good: so the service is looked at once more, and nobody may have deployed meanwhile.
 * @returns what is told instead; null: it is to go back
 */
async function whyNotBack(
  place: Place,
  known: Known,
  { seen, problem }: { seen: Seen; problem: Problem },
): Promise<Acted | null> {
  await sleep(confirmMs, place.signal);
  // A crash that systemd has mended speaks against the build once the failures add up.
  const isEnough = problem.passes >= known.rules.failures;
  const { found } = await lookAtService(place, isEnough ? known.startsBefore : seen.starts);
  if (!found.some(({ key }) => key === serviceKey)) return nothing;
  const why = await whyOutdated(place, known);
  return why === null ? null : { ...nothing, actions: [`did not go back: ${why}`] };
}

/** What the run that follows is begun for. */
function causeIn({ redact }: Place, { found }: Seen, { since }: Problem): Cause {
  const { reason = 'health', message = '' } = found.find(({ key }) => key === serviceKey) ?? {};
  return { by: 'monitor', reason, message: redact(message), since, evidence: null };
}
