import type { RunDocument } from '../../run/document.ts';
import { runsNewestFirst } from '../../run/history.ts';
import { type Recovery, recoveriesIn, recoveryOf } from '../../run/recoveries.ts';
import type { RunRecord } from '../../run/ledger.ts';
import type { StatePaths } from '../../run/state.ts';
import { recoveryWindowMs } from './alerts.ts';

/** What earlier runs tell a pass. */
export interface Past {
  /** how long ago the build in service was deployed; null: not known, or it came otherwise */
  deployedMs: number | null;
  /** the recoveries of the last 24 h, each once */
  recoveries: Recovery[];
  /** the newest run that somebody asked for and whose gate saw a build well; null: none is known */
  proven: string | null;
}

/** So far back, at most, is looked for the deploy of the build in service. */
const mostRuns = 50;

/**
 * Reads the records of runs, newest first. Times are those that stand in them, so that a boot makes nothing younger; one that lies
 * in the future, after a clock that went back, counts as now.
 * @throws `permission`
 */
export async function readPastRuns(paths: StatePaths, current: string | null, nowMs: number): Promise<Past> {
  const past: Past = { deployedMs: null, recoveries: [], proven: null };
  let isFound = false;
  let count = 0;
  const attempts: RunRecord[] = [];
  for await (const record of runsNewestFirst(paths)) {
    const { document } = record;
    count += 1;
    if (count > mostRuns) break;
    if (!document) continue;
    if (isProof(document)) past.proven ??= record.inputs.run;
    const agoMs = Math.max(0, nowMs - Date.parse(document.started_at) - document.duration_ms);
    // A recovery starts the same build again; what brought it is the deploy or rollback before.
    const isBringing = document.kind !== 'recovery' && document.outcome === 'deployed' && document.active === current;
    if (!isFound && isBringing && document.from !== current) {
      past.deployedMs = document.kind === 'deploy' ? agoMs : null;
      isFound = true;
    }
    if (recoveryOf(record) !== null && agoMs < recoveryWindowMs) attempts.push(record);
  }
  return { ...past, recoveries: recoveriesIn(attempts, nowMs) };
}

/** What a pass or a recovery began, and what starts the same build again, ends nothing that was counted. */
function isProof({ kind, outcome, cause }: RunDocument): boolean {
  if (kind === 'recovery' || (cause ?? null) !== null) return false;
  return outcome === 'deployed' || outcome === 'rolled_back';
}
