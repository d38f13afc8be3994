import { failures, type Failure, type LoadReport, type Request } from './model.ts';

/** A stretch of time, in milliseconds since the epoch. */
export interface Stretch {
  fromMs: number;
  toMs: number;
}

/** What the clients saw in a stretch. */
export interface Seen {
  requests: number;
  failed: Record<Failure, number>;
  gapMs: number;
  longestWaitMs: number;
  stallMs: number;
  /** of each request that was answered */
  latenciesMs: number[];
}

/** Cuts stretches out of what the load saw. A request belongs to the one in which it was due. */
export function viewer({ requests, stalls }: LoadReport): (stretch: Stretch) => Seen {
  const answers = requests.filter(isAnswered).map(([dueMs, tookMs]) => dueMs + tookMs);
  answers.sort((a, b) => a - b);
  return (stretch) => {
    const mine = requests.filter(([dueMs]) => isWithin(dueMs, stretch));
    const latenciesMs = mine.filter(isAnswered).map(([, tookMs]) => tookMs);
    return {
      requests: mine.length,
      failed: countFailures(mine),
      gapMs: longestGap(answers, stretch),
      longestWaitMs: longest(latenciesMs),
      stallMs: longest(stalls.filter(([atMs]) => isWithin(atMs, stretch)).map(([, ms]) => ms)),
      latenciesMs,
    };
  };
}

/** The value that so large a share of all does not exceed. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}

export function noFailures(): Record<Failure, number> {
  return Object.fromEntries(failures.map((name) => [name, 0])) as Record<Failure, number>;
}

/** Of how many requests went wrong, whatever it was. */
export function sumOf(failed: Record<Failure, number>): number {
  return Object.values(failed).reduce((sum, count) => sum + count, 0);
}

const isAnswered = ([, , result]: Request): boolean => result === 'ok';
const isWithin = (atMs: number, { fromMs, toMs }: Stretch): boolean => atMs >= fromMs && atMs < toMs;
const longest = (values: readonly number[]): number => values.reduce((most, value) => Math.max(most, value), 0);

function countFailures(requests: readonly Request[]): Record<Failure, number> {
  const failed = noFailures();
  for (const [, , result] of requests) if (result !== 'ok') failed[result] += 1;
  return failed;
}

/** Of the times without a good answer that touch the stretch, in their whole length. */
function longestGap(answers: readonly number[], { fromMs, toMs }: Stretch): number {
  let [most, last] = [0, answers[0] ?? fromMs];
  for (const atMs of answers) {
    if (atMs >= fromMs && last < toMs) most = Math.max(most, atMs - last);
    last = atMs;
  }
  return last < toMs ? Math.max(most, toMs - last) : most;
}
