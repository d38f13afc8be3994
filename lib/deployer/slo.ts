import { failingsIn, figuresOf, lengthOf, type Failing, type TimedRun } from '../report/slo.ts';
import type { SloReport } from '../report/slo-text.ts';
import { listRuns } from '../run/history.ts';
import { isAlive, readInFlight } from '../run/in-flight.ts';
import { type LedgerLine, readLedger, recordOf } from '../run/ledger.ts';
import { ledgerPath, type StatePaths } from '../run/state.ts';

/**
 * The figures of R7 from the ledgers that are there: a prune removes old ones, so the stretch begins with the oldest that is left.
 * @param sinceMs only runs that started in the last so many milliseconds; null: all
 * @throws `permission`
 */
export async function slo(
  { app, target, paths }: { app: string; target: string; paths: StatePaths },
  { sinceMs, nowMs = Date.now() }: { sinceMs: number | null; nowMs?: number },
): Promise<SloReport> {
  const all = await timedRuns(paths);
  const earliestMs = sinceMs === null ? Number.NEGATIVE_INFINITY : nowMs - sinceMs;
  const runs = all.filter(({ startedMs }) => startedMs >= earliestMs);
  // A stretch of which earlier runs are known begins when it was asked to, not with its first run.
  const fromMs = runs.length < all.length ? earliestMs : (runs[0]?.startedMs ?? nowMs);
  // One that was there already when the stretch began counts, too.
  const failings = failingsIn(all).filter(({ untilMs }) => untilMs === null || untilMs >= fromMs);
  return {
    app,
    target,
    since: all.length > 0 ? new Date(fromMs).toISOString() : null,
    until: new Date(nowMs).toISOString(),
    window_ms: lengthOf({ fromMs, untilMs: nowMs }),
    runs: runs.length,
    failures: failings.map(failureOf),
    figures: figuresOf({ runs, failings }, { fromMs, nowMs }),
  };
}

function failureOf({ run, fromMs, untilMs, endedBy }: Failing): SloReport['failures'][number] {
  const recovered_at = untilMs === null ? null : new Date(untilMs).toISOString();
  const took_ms = untilMs === null ? null : lengthOf({ fromMs, untilMs });
  return { run, at: new Date(fromMs).toISOString(), recovered_at, recovered_by: endedBy, took_ms };
}

/** All runs but one that is at work, oldest first. */
async function timedRuns(paths: StatePaths): Promise<TimedRun[]> {
  const mark = await readInFlight(paths);
  const atWork = mark !== null && (await isAlive(mark)) ? mark.run : null;
  const runs: TimedRun[] = [];
  for (const run of (await listRuns(paths)).toReversed()) {
    const lines = run === atWork ? null : await readLedger(ledgerPath(paths, run));
    const timed = lines && timedRun(lines);
    if (timed) runs.push(timed);
  }
  return runs;
}

function timedRun(lines: readonly LedgerLine[]): TimedRun | null {
  const record = recordOf(lines);
  if (!record) return null;
  const { inputs, document, steps } = record;
  // Data that was put back beside a service that did not run is no failure, and no proof.
  if (inputs.kind === 'restore' && document?.outcome === 'deployed' && document.active === null) return null;
  const atOf = (type: LedgerLine['type']): number | null => {
    const line = lines.findLast((one) => one.type === type);
    return line ? Date.parse(line.at) : null;
  };
  const startedMs = Date.parse(inputs.startedAt);
  return {
    run: inputs.run,
    kind: document?.kind ?? inputs.kind,
    outcome: document?.outcome ?? null,
    startedMs,
    causeMs: inputs.cause ? Date.parse(inputs.cause.since) : null,
    failedMs: atOf('failure'),
    endedMs: atOf('outcome') ?? Math.max(startedMs, ...lines.map(({ at }) => Date.parse(at))),
    downtimeMs: document?.downtime_ms ?? null,
    isBegun: steps.size > 0,
  };
}
