import { CutoverError, ExitCode } from '../base/errors.ts';
import { documentOf, type RunDocument } from '../run/document.ts';
import { newestRun, readRun, runsNewestFirst } from '../run/history.ts';
import { readInFlight } from '../run/in-flight.ts';
import { cutOffFailure, type RunRecord, stepRecordsOf } from '../run/ledger.ts';
import type { StatePaths } from '../run/state.ts';

/** Past runs, newest first; the one in flight is not past. */
export async function history(paths: StatePaths, limit: number): Promise<RunDocument[]> {
  const inFlight = await readInFlight(paths);
  const runs: RunDocument[] = [];
  for await (const record of runsNewestFirst(paths)) {
    if (record.inputs.run === inFlight?.run && !record.document) continue;
    runs.push(documentFrom(record));
    if (runs.length >= limit) break;
  }
  return runs;
}

/** One run: the named one, or the last. @throws `usage` when there is none */
export async function report(paths: StatePaths, run: string | undefined): Promise<RunDocument> {
  const record = run === undefined ? await newestRun(paths) : await readRun(paths, run);
  if (record) return documentFrom(record);
  throw new CutoverError('usage', run ? `there is no run ${run}` : 'there was no run yet', { mend: 'cutover history' });
}

/** A ledger without an outcome is of a run whose end could not be written: what is known is told. */
function documentFrom(record: RunRecord): RunDocument {
  const { inputs, document } = record;
  if (document) return document;
  const steps = stepRecordsOf(record);
  const [failure, active] = [cutOffFailure(record), steps.length === 0 ? inputs.from : null];
  const ending = { outcome: 'interrupted' as const, exit_code: ExitCode.interrupted, downtime_ms: null, checks: [] };
  return documentOf(inputs, { ...ending, active, steps, failure }, Date.parse(inputs.startedAt));
}
