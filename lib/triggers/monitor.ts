import { ExitCode, isCutoverError } from '../base/errors.ts';
import { withDeadline } from '../base/wait.ts';
import { currentBuild } from '../builds/current.ts';
import type { Place } from '../deployer/place.ts';
import type { MonitorAlert, MonitorFinding, MonitorReport } from '../report/monitor-report.ts';
import type { RunDocument } from '../run/document.ts';
import { newestRun } from '../run/history.ts';
import { isAlive, readInFlight } from '../run/in-flight.ts';
import { endCutOff } from './cut-off.ts';
import type { Acted } from './monitor/act.ts';
import { changesOf, wantedAlerts, withUntold } from './monitor/alerts.ts';
import { countProblems } from './monitor/count.ts';
import { type Known, readKnown } from './monitor/known.ts';
import { type Found, lookAtTarget, type Seen, serviceKey } from './monitor/looks.ts';
import { noteState, stateKey } from './monitor/note.ts';
import { readPastRuns } from './monitor/past.ts';
import { respond } from './monitor/respond.ts';
import { type MonitorState, readState } from './monitor/state.ts';
import { passMs, type Turn } from './monitor/turn.ts';

/** What a pass came to, and what it leaves for others to tell. */
export interface Pass {
  report: MonitorReport;
  /** the run that it carried out; null: none */
  document: RunDocument | null;
  /** to be called once people were told of the alerts: then they are not told again, but those that nobody could be told of are */
  remember: (untold: readonly MonitorAlert[]) => Promise<void>;
}

type Problems = MonitorState['problems'];

/**
 * One pass of the monitor over a target (S10, B5): looks, acts when the configuration says so, and finds what people are to be told.
 * Never beside a run; one that was cut off is ended first.
 * @param turn only the one whose turn it is looks
 * @param timeoutMs of the whole pass, which is then given up; a run that it began is ended by systemd
 * @throws `timeout`, `systemd_unavailable`, `bus_lost`, `permission`, `no_build`; the signal's reason
 */
export async function monitor(
  place: Place,
  { turn, timeoutMs = passMs(place.target) }: { turn: Pick<Turn, 'busy' | 'hung'>; timeoutMs?: number },
): Promise<Pass> {
  const began = { ms: performance.now(), at: new Date().toISOString() };
  const why = turn.busy ?? (await whyPassedOver(place));
  if (why !== null) return passedOver(place, why, began);
  // To end a run may take as long as putting a large database back does.
  const ended = await endedFirst(place);
  if (ended === null) return passedOver(place, 'another run holds the target', began);
  const hung: Found[] = turn.hung === null ? [] : [{ key: 'pass', level: 'warn', message: turn.hung }];
  // Only the deadline gives a pass up: interrupted, it waits for the end of the run that it began.
  return withDeadline({ what: 'the pass did not end', timeoutMs }, (late) => {
    const signal = AbortSignal.any([place.signal, late]);
    return lookAndAct({ ...place, signal }, { ended, hung, began });
  });
}

async function lookAndAct(
  place: Place,
  { ended, hung, began }: { ended: EndedFirst; hung: Found[]; began: Began },
): Promise<Pass> {
  const { actions: endings, ...settled } = ended;
  const read = await readKnown(place);
  const known = { ...read, before: { ...read.before, ...settled } };
  const seen = await lookAtTarget(place, known.startsBefore);
  // A run that began meanwhile is what was seen.
  const begun = await whyPassedOver(place);
  if (begun !== null) return passedOver(place, begun, began);
  const { problems, noted } = await countProblems(place, known, seen.found);
  const done = await respond(place, known, { seen, problems });
  const found = [...done.seen.found, ...noted, ...hung];
  const actions = [...endings, ...done.acted.actions];
  return conclude(place, known, { ...done, found, problems, actions, began });
}

/** Why this is no moment to look; null: it is one. */
async function whyPassedOver({ target, paths }: Place): Promise<string | null> {
  const mark = await readInFlight(paths);
  if (mark !== null && (await isAlive(mark))) return `run ${mark.run} is at work (pid ${mark.pid})`;
  const isNew = (await currentBuild(target.builds)) === null && (await newestRun(paths)) === null;
  return isNew ? 'nothing is deployed yet' : null;
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

interface Done {
  seen: Seen;
  acted: Acted;
  found: Found[];
  problems: Problems;
  actions: string[];
  began: Began;
}

interface Began {
  ms: number;
  at: string;
}

async function conclude(place: Place, { rules, before, isInBake }: Known, done: Done): Promise<Pass> {
  const { seen, found, problems, acted, actions, began } = done;
  const nowMs = Date.now();
  const { recoveries } = await readPastRuns(place.paths, seen.current, nowMs);
  const wanted = wantedAlerts({ found, problems }, recoveries, { failures: rules.failures, nowMs });
  const { alerts, open } = changesOf(before.alerts, wanted, nowMs);
  const at = new Date(nowMs).toISOString();
  const state = { ...before, at, ...seen.starts, problems };
  const healthy = found.every(({ level }) => level === 'warn');
  const told = { in_bake: isInBake, failures_in_row: problems[serviceKey]?.passes ?? 0, actions, alerts };
  const findings = found.map((one) => findingOf(one, problems, at));
  const run = acted.document?.run ?? null;
  return {
    report: { ...reportOf(place, began), ...told, healthy, findings, run, exit_code: exitCodeOf(healthy) },
    document: acted.document,
    remember: async (untold) =>
      void (await noteState(place, { ...state, alerts: withUntold(open, before.alerts, untold) })),
  };
}

function exitCodeOf(healthy: boolean): number {
  return healthy ? ExitCode.done : ExitCode.failed;
}

function findingOf({ key, level, message }: Found, problems: Problems, now: string): MonitorFinding {
  const { since = now, passes = 1 } = problems[key] ?? {};
  return { key, level, message, since, passes };
}

function passedOver(place: Place, why: string, began: Began): Pass {
  const report = { ...reportOf(place, began), passed_over: why };
  return { report, document: null, remember: () => Promise.resolve() };
}

function reportOf({ config, target }: Place, { ms, at }: Began): MonitorReport {
  const what = { app: config.app, target: target.name, unit: target.unit, healthy: true, passed_over: null };
  const nothing = { in_bake: false, failures_in_row: 0, findings: [], actions: [], alerts: [] as MonitorAlert[] };
  const when = { checked_at: at, duration_ms: Math.round(performance.now() - ms) };
  return { ...what, ...nothing, run: null, ...when, exit_code: ExitCode.done };
}
