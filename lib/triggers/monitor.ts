import { isCutoverError } from '../base/errors.ts';
import { withDeadline } from '../base/wait.ts';
import { currentBuild } from '../builds/current.ts';
import type { Place } from '../deployer/place.ts';
import { newestRun } from '../run/history.ts';
import { isAlive, readInFlight } from '../run/in-flight.ts';
import { endCutOff } from './cut-off.ts';
import { isOfRecoveries } from './monitor/alerts.ts';
import { type Began, conclude, type Done, type Pass, passedOver } from './monitor/conclude.ts';
import { countProblems } from './monitor/count.ts';
import { readInTime, readKnown, whyOutdated } from './monitor/known.ts';
import { type Found, lookAtTarget } from './monitor/looks.ts';
import { stateKey } from './monitor/note.ts';
import { failedPass, passBeside, passKey } from './monitor/partly.ts';
import { readPastRuns } from './monitor/past.ts';
import { respond } from './monitor/respond.ts';
import { readState } from './monitor/state.ts';
import { passMs, type Turn } from './monitor/turn.ts';

interface Passing {
  turn: Pick<Turn, 'busy' | 'hung'>;
  timeoutMs?: number;
}

/**
 * One pass of the monitor over a target (S10, B5): looks, acts when the configuration says so, and finds what people are to be told.
 * Never beside a run; one that was cut off is ended first. What keeps a pass from that is counted and told as what it finds is.
 * @param turn only the one whose turn it is looks
 * @param timeoutMs of the whole pass, which is then given up; a run that it began is ended by systemd
 * @throws `usage`, `config`; the signal's reason
 */
export async function monitor(place: Place, { turn, timeoutMs = passMs(place.target) }: Passing): Promise<Pass> {
  const began = { ms: performance.now(), at: new Date().toISOString() };
  if (turn.busy !== null) return passedOver(place, turn.busy, began);
  try {
    return await passNow(place, { hung: turn.hung, timeoutMs, began });
  } catch (error) {
    if (place.signal.aborted || isCutoverError(error, 'usage', 'config', 'interrupted')) throw error;
    return failedPass(place, error, began);
  }
}

async function passNow(
  place: Place,
  { hung, timeoutMs, began }: { hung: string | null; timeoutMs: number; began: Began },
): Promise<Pass> {
  const why = await atWork(place);
  if (why !== null) return passBeside(place, why, began);
  if (await isNew(place)) return passedOver(place, 'nothing is deployed yet', began);
  // To end a run may take as long as putting a large database back does.
  const ended = await endedFirst(place);
  if (ended === null) return passBeside(place, 'another run holds the target', began);
  const hanging: Found[] = hung === null ? [] : [{ key: passKey, level: 'warn', message: hung }];
  // Only the deadline gives a pass up: interrupted, it waits for the end of the run that it began.
  return withDeadline({ what: 'the pass did not end', timeoutMs }, (late) => {
    const signal = AbortSignal.any([place.signal, late]);
    return lookAndAct({ ...place, signal }, { ended, hanging, began });
  });
}

async function lookAndAct(
  place: Place,
  { ended, hanging, began }: { ended: EndedFirst; hanging: Found[]; began: Began },
): Promise<Pass> {
  const { actions: endings, ...settled } = ended;
  const read = await readKnown(place);
  const known = { ...read, before: { ...read.before, ...settled } };
  const seen = await lookAtTarget(place, known.startsBefore);
  // A run that began meanwhile is what was seen, and what one has mended was seen before it.
  const begun = (await atWork(place)) ?? (await whyOutdated(place, known));
  if (begun !== null) return passedOver(place, begun, began);
  const { problems, noted } = await countProblems(place, known, seen);
  const { seen: left, acted } = await respond(place, known, { seen, problems });
  const found = [...left.found, ...noted, ...hanging];
  const done = { found, problems, starts: left.starts, document: acted.document, began };
  const actions = [...endings, ...acted.actions];
  const { recoveries, isSeen } = await recoveriesTold(place);
  const isKnown = (key: string): boolean => left.isSeen(key) && isSeen(key);
  return conclude(place, known, { ...done, actions, recoveries, isSeen: isKnown });
}

/** What was done is told whatever keeps the records of runs from being read: then of them nothing is said. */
async function recoveriesTold({ paths, signal }: Place): Promise<Pick<Done, 'recoveries' | 'isSeen'>> {
  try {
    const { recoveries } = await readInTime(signal, () => readPastRuns(paths, null, Date.now()));
    return { recoveries, isSeen: () => true };
  } catch {
    return { recoveries: [], isSeen: (key) => !isOfRecoveries(key) };
  }
}

/** Which run is at work; null: none. */
async function atWork({ paths }: Place): Promise<string | null> {
  const mark = await readInFlight(paths);
  return mark !== null && (await isAlive(mark)) ? `run ${mark.run} is at work (pid ${mark.pid})` : null;
}

/** Whether nothing was ever deployed. */
function isNew({ target, paths, signal }: Place): Promise<boolean> {
  return readInTime(signal, async () => {
    return (await currentBuild(target.builds)) === null && (await newestRun(paths)) === null;
  });
}

/** What became of a run that had been cut off. */
interface EndedFirst {
  /** in words */
  actions: string[];
  /** its id; none: there was no such run */
  settled?: string;
}

/**
 * Where it cannot be written down that a run has ended, each pass would end it anew: then it is left, and told of once.
 * @returns null: somebody else is at it
 */
async function endedFirst(place: Place): Promise<EndedFirst | null> {
  const [mark, state] = await Promise.all([readInFlight(place.paths), readState(place.paths)]);
  const own = state?.settled ?? null;
  if (mark === null || (mark.run === own && state?.problems[stateKey])) return { actions: [] };
  try {
    const document = await endCutOff(place, { waitMs: 0, own });
    if (!document) return { actions: [] };
    return { actions: [`ended run ${mark.run}, which had been cut off: ${document.outcome}`], settled: mark.run };
  } catch (error) {
    if (isCutoverError(error, 'locked')) return null;
    throw error;
  }
}
