import type { Outcome, RunDocument } from './document.ts';
import type { Reason } from './failure.ts';
import type { RunKind } from './inputs.ts';
import type { Recovery } from './recoveries.ts';

/** How many runs of a kind ended so, and when the last of them did. */
export interface RunCount {
  kind: RunKind;
  outcome: Outcome;
  count: number;
  /** milliseconds since 1970 */
  last_ended_ms: number;
}

/** How many recoveries ended so, each counted once however many attempts it took. */
export interface RecoveryCount {
  outcome: 'recovered' | 'failed';
  count: number;
  /** milliseconds since 1970 */
  last_ended_ms: number;
}

/** How values of one kind of run are spread over `spreadBoundsMs`. */
export interface Spread {
  kind: RunKind;
  count: number;
  sum_ms: number;
  /** how many values lie at or below each bound and above the one before */
  within: number[];
}

/** What many runs came to, added up. */
export interface Tally {
  runs: RunCount[];
  durations: Spread[];
  /** of the runs whose downtime was measured */
  downtimes: Spread[];
  failures: { reason: Reason; count: number }[];
  recoveries: RecoveryCount[];
  recovery_durations: Spread[];
}

/** The bounds that totals on the disk were counted by: other ones would need other files. */
export const spreadBoundsMs: readonly number[] = [
  100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 300_000, 1_800_000,
];

export function emptyTally(): Tally {
  return { runs: [], durations: [], downtimes: [], failures: [], recoveries: [], recovery_durations: [] };
}

/** Adds a run that ended. The document is one from the disk: what is no number counts as nothing. */
export function addRun(tally: Tally, document: RunDocument): void {
  const { kind, outcome, started_at, downtime_ms, failure } = document;
  const durationMs = amountOf(document.duration_ms);
  const endedMs = amountOf(Date.parse(started_at)) + durationMs;
  const isSame = (row: RunCount): boolean => row.kind === kind && row.outcome === outcome;
  const row = foundOrAdded(tally.runs, isSame, { kind, outcome, count: 0, last_ended_ms: 0 });
  row.count += 1;
  row.last_ended_ms = Math.max(row.last_ended_ms, endedMs);
  addValue(tally.durations, kind, durationMs);
  if (isAmount(downtime_ms)) addValue(tally.downtimes, kind, downtime_ms);
  if (!failure) return;
  const { reason } = failure;
  foundOrAdded(tally.failures, (one) => one.reason === reason, { reason, count: 0 }).count += 1;
}

/** Adds a recovery that is over. */
export function addRecovery(
  tally: Tally,
  { outcome, startedMs, endedMs }: Pick<Recovery, 'outcome' | 'startedMs' | 'endedMs'>,
): void {
  const fresh: RecoveryCount = { outcome: outcome === 'deployed' ? 'recovered' : 'failed', count: 0, last_ended_ms: 0 };
  const row = foundOrAdded(tally.recoveries, (one) => one.outcome === fresh.outcome, fresh);
  row.count += 1;
  row.last_ended_ms = Math.max(row.last_ended_ms, amountOf(endedMs));
  addValue(tally.recovery_durations, 'recovery', amountOf(endedMs - startedMs));
}

/** A tally of its own, to be added to. */
export function copyOf(tally: Tally): Tally {
  return structuredClone(tally);
}

/** Whether a value from the disk is a tally: another version, or another program, may have written it. */
export function isTally(value: unknown): value is Tally {
  const { runs, durations, downtimes, failures, recoveries, recovery_durations } = (value ?? {}) as Record<
    string,
    unknown
  >;
  const isSpreads = [durations, downtimes, recovery_durations].every((rows) => areRows(rows, isSpread));
  return isSpreads && areRows(runs, isCount) && areRows(failures, isFailure) && areRows(recoveries, isRecoveryCount);
}

type IsRow = (row: Record<string, unknown>) => boolean;

const isCount: IsRow = ({ kind, outcome, count, last_ended_ms }) => {
  return [kind, outcome].every(isText) && [count, last_ended_ms].every(isAmount);
};

const isRecoveryCount: IsRow = ({ outcome, count, last_ended_ms }) => {
  return isText(outcome) && [count, last_ended_ms].every(isAmount);
};

const isFailure: IsRow = ({ reason, count }) => isText(reason) && isAmount(count);

const isSpread: IsRow = ({ kind, count, sum_ms, within }) => {
  const isOurs = Array.isArray(within) && within.length === spreadBoundsMs.length && within.every(isAmount);
  return isOurs && isText(kind) && [count, sum_ms].every(isAmount);
};

function areRows(value: unknown, isRow: IsRow): boolean {
  return Array.isArray(value) && value.every((row) => typeof row === 'object' && row !== null && isRow(row));
}

function addValue(spreads: Spread[], kind: RunKind, ms: number): void {
  const within = spreadBoundsMs.map(() => 0);
  const spread = foundOrAdded(spreads, (one) => one.kind === kind, { kind, count: 0, sum_ms: 0, within });
  spread.count += 1;
  spread.sum_ms += ms;
  const at = spreadBoundsMs.findIndex((bound) => ms <= bound);
  if (at >= 0) spread.within[at] = (spread.within[at] ?? 0) + 1;
}

function foundOrAdded<Row>(rows: Row[], isSame: (row: Row) => boolean, fresh: Row): Row {
  const known = rows.find(isSame);
  if (known) return known;
  rows.push(fresh);
  return fresh;
}

function amountOf(value: unknown): number {
  return isAmount(value) ? value : 0;
}

function isAmount(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

function isText(value: unknown): boolean {
  return typeof value === 'string';
}
