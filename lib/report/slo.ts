import type { Outcome } from '../run/document.ts';
import type { RunKind } from '../run/inputs.ts';
import { duration } from './words.ts';

/** A run as far as the figures need it; the moments are milliseconds since 1970. */
export interface TimedRun {
  run: string;
  kind: RunKind;
  /** null: its end was not written down */
  outcome: Outcome | null;
  startedMs: number;
  /** since when the service was seen unwell that it was begun for; null: a person began it */
  causeMs: number | null;
  /** when it could not go on; null: it could */
  failedMs: number | null;
  endedMs: number;
  /** how long nothing accepted on the port; null: not measured */
  downtimeMs: number | null;
  /** whether it changed anything */
  isBegun: boolean;
}

/** A stretch that began when a run could not go on, and that ended when a build was proven again. */
export interface Failing {
  run: string;
  fromMs: number;
  /** null: it has not ended */
  untilMs: number | null;
  /** what ended it: the run's own way back, or a later run of this kind */
  endedBy: 'way_back' | RunKind | null;
  /** from here on no build was verified healthy, and nobody measured; null: the run itself went back */
  unprovenMs: number | null;
}

/** One figure against its goal; `value` null says that nothing is known. */
export interface Figure {
  value: number | null;
  goal: number;
  /** null: not known */
  met: boolean | null;
  /** what it was computed from */
  observed: string;
  /** how it is computed */
  means: string;
}

/** A name that ends in `_ms` has milliseconds, any other a share of one. */
export type FigureName = 'recovery_success' | 'time_to_recovery_ms' | 'availability' | 'time_between_failures_ms';

const goals: Record<FigureName, number> = {
  recovery_success: 0.95,
  time_to_recovery_ms: 5 * 60_000,
  availability: 0.999,
  time_between_failures_ms: 7 * 24 * 60 * 60_000,
};

/** Of a shorter time a deploy or two would be more than the goal allows: it is missed when that is so even if the rest goes well. */
const leastMs = 24 * 60 * 60_000;

/** What stands beside each figure, for people and programs. */
export const meanings: Record<FigureName, string> = {
  recovery_success:
    'failures that ended in a proven build by the way back, settle, rollback or recover, of all failures; a failure is a run that ended failed or rolled_back, or that the monitor or recover began for a service that was not well, and with it the failed runs until a build is proven again',
  time_to_recovery_ms:
    'mean time from the step that failed, or from the first look that saw it unwell, to the end of the run that proved a build again; one that goes on counts with its time so far',
  availability:
    'share of the time since the first run that is left without what runs measured as closed port and without the time after a failed run, or since a look saw it unwell that began one, until a build was proven; what else happens between runs is not seen',
  time_between_failures_ms: 'the time since the first run, divided by the failures',
};

/**
 * The four figures (R7) of a stretch of time. What is not known is null, never the best that could be: a figure over no failure,
 * or an availability with a run whose downtime was not measured.
 * @param past `runs`: those that started in the stretch; `failings`: those that lie in it at least in part; oldest first
 */
export function figuresOf(
  { runs, failings }: { runs: readonly TimedRun[]; failings: readonly Failing[] },
  { fromMs, nowMs }: { fromMs: number; nowMs: number },
): Record<FigureName, Figure> {
  return {
    recovery_success: recoverySuccess(failings),
    time_to_recovery_ms: timeToRecovery(failings, nowMs),
    availability: availability(runs, failings, { fromMs, nowMs }),
    time_between_failures_ms: timeBetween(failings, lengthOf({ fromMs, untilMs: nowMs })),
  };
}

/** The failures among runs, oldest first. */
export function failingsIn(runs: readonly TimedRun[]): Failing[] {
  const failings: Failing[] = [];
  let open: Failing | null = null;
  for (const one of runs) {
    const { kind, outcome, endedMs } = one;
    if (open === null) {
      open = failingOf(one);
      if (open) failings.push(open);
    }
    if (open === null || (outcome !== 'deployed' && outcome !== 'rolled_back')) continue;
    open.untilMs = endedMs;
    open.endedBy = outcome === 'rolled_back' ? 'way_back' : kind;
    open = null;
  }
  return failings;
}

/** How long a stretch lasted, in milliseconds; a clock that was set back makes none shorter than nothing. */
export function lengthOf({ fromMs, untilMs }: { fromMs: number; untilMs: number }): number {
  return Math.max(0, untilMs - fromMs);
}

/** The failure that begins with a run; null: none does. */
function failingOf({ run, outcome, causeMs, startedMs, failedMs, endedMs, downtimeMs }: TimedRun): Failing | null {
  const open = { run, untilMs: null, endedBy: null };
  const isDone = outcome === 'deployed' || outcome === 'rolled_back' || outcome === 'failed';
  if (causeMs !== null && isDone) {
    // Systemd may know better than the first look since when it is down.
    const fromMs = Math.min(causeMs, endedMs - (downtimeMs ?? 0));
    return { ...open, fromMs, unprovenMs: fromMs };
  }
  if (outcome !== 'failed' && outcome !== 'rolled_back') return null;
  return { ...open, fromMs: failedMs ?? startedMs, unprovenMs: outcome === 'failed' ? endedMs : null };
}

function figure(name: FigureName, value: number | null, observed: string): Figure {
  const [goal, means] = [goals[name], meanings[name]];
  const isLess = name === 'time_to_recovery_ms';
  return { value, goal, met: value === null ? null : isLess ? value < goal : value > goal, observed, means };
}

function recoverySuccess(failings: readonly Failing[]): Figure {
  if (failings.length === 0) return figure('recovery_success', null, 'no failure');
  const good = failings.filter(({ endedBy }) => endedBy !== null && endedBy !== 'deploy').length;
  return figure('recovery_success', good / failings.length, `${good} of ${countOf(failings.length)}`);
}

function timeToRecovery(failings: readonly Failing[], nowMs: number): Figure {
  const times = failings.map(({ fromMs, untilMs }) => lengthOf({ fromMs, untilMs: untilMs ?? nowMs }));
  if (times.length === 0) return figure('time_to_recovery_ms', null, 'no failure');
  const mean = Math.round(times.reduce((sum, ms) => sum + ms, 0) / times.length);
  const open = failings.some(({ untilMs }) => untilMs === null) ? '; the last one goes on' : '';
  return figure('time_to_recovery_ms', mean, `longest ${duration(Math.max(...times))}${open}`);
}

function availability(
  runs: readonly TimedRun[],
  failings: readonly Failing[],
  { fromMs: beginMs, nowMs }: { fromMs: number; nowMs: number },
): Figure {
  const windowMs = lengthOf({ fromMs: beginMs, untilMs: nowMs });
  const stretches = failings.flatMap(({ unprovenMs, untilMs }) =>
    unprovenMs === null ? [] : [{ fromMs: Math.max(beginMs, unprovenMs), untilMs: untilMs ?? nowMs }],
  );
  // Inside of such a stretch all is counted as down already.
  const measured = runs.filter(
    ({ startedMs, endedMs, isBegun }) =>
      isBegun && !stretches.some(({ fromMs, untilMs }) => startedMs >= fromMs && endedMs <= untilMs),
  );
  const missing = measured.filter(({ downtimeMs }) => downtimeMs === null).length;
  if (windowMs === 0 || (runs.length === 0 && stretches.length === 0)) return figure('availability', null, 'no run');
  if (missing > 0)
    return figure('availability', null, `the downtime of ${missing} of ${runs.length} runs was not measured`);
  const unproven = stretches.reduce((sum, stretch) => sum + lengthOf(stretch), 0);
  const downMs = measured.reduce((sum, { downtimeMs }) => sum + (downtimeMs ?? 0), unproven);
  return shareOf(windowMs, downMs);
}

function shareOf(windowMs: number, downMs: number): Figure {
  const value = Math.max(0, 1 - downMs / windowMs);
  const known = figure('availability', value, `down ${duration(downMs)} in ${duration(windowMs)}`);
  const mayStillBeMet = downMs < (1 - known.goal) * leastMs && windowMs < leastMs;
  return known.met === false && mayStillBeMet ? { ...known, met: null } : known;
}

function timeBetween(failings: readonly Failing[], windowMs: number): Figure {
  const name = 'time_between_failures_ms';
  const observed = `${countOf(failings.length)} in ${duration(windowMs)}`;
  if (windowMs === 0) return figure(name, null, observed);
  if (failings.length > 0) return figure(name, Math.round(windowMs / failings.length), observed);
  // Longer than the goal without any is as good as the figure itself; shorter says nothing.
  return { ...figure(name, null, observed), met: windowMs > goals[name] ? true : null };
}

function countOf(failures: number): string {
  return failures === 0 ? 'no failure' : `${failures} failure${failures === 1 ? '' : 's'}`;
}
