import { CutoverError, ExitCode } from '../base/errors.ts';
import type { ToldRun, Unfinished } from '../report/words.ts';
import { documentOf } from '../run/document.ts';
import { newestRun, readRun, runsNewestFirst } from '../run/history.ts';
import { type InFlight, isAlive, readInFlight } from '../run/in-flight.ts';
import { cutOffFailure, type RunRecord, stepRecordsOf, unrecordedFailure } from '../run/ledger.ts';
import { isHeld } from '../run/lock.ts';
import type { StatePaths } from '../run/state.ts';

/** Past runs, newest first; the one in flight is not past. */
export async function history(paths: StatePaths, limit: number): Promise<ToldRun[]> {
  const runs: ToldRun[] = [];
  for await (const record of runsNewestFirst(paths)) {
    const past = record.document ? record : await onceOver(paths, record);
    if (past) runs.push(documentFrom(past, { state: 'not_recorded', pid: null }));
    if (runs.length >= limit) break;
  }
  return runs;
}

/**
 * A run without an outcome, if it is over; null: it is at work, or may be. A ledger is begun a moment before its mark is
 * set, and has its outcome a moment before the mark goes: whoever is between the two has the lock.
 */
async function onceOver(paths: StatePaths, { inputs: { run }, steps }: RunRecord): Promise<RunRecord | null> {
  if ((await readInFlight(paths))?.run === run) return null;
  if (steps.size === 0 && (await isHeld(paths))) return null;
  return readRun(paths, run);
}

/** One run: the named one, or the last. @throws `usage` when there is none */
export async function report(paths: StatePaths, run: string | undefined): Promise<ToldRun> {
  // Before the ledger: a run that ends between the two has its outcome there.
  const mark = await readInFlight(paths);
  const isAtWork = mark !== null && (await isAlive(mark));
  const record = run === undefined ? await newestRun(paths) : await readRun(paths, run);
  if (record) return documentFrom(record, unfinishedBy(mark, { run: record.inputs.run, isAtWork }));
  throw new CutoverError('usage', run ? `there is no run ${run}` : 'there was no run yet', { mend: 'cutover history' });
}

/** What the mark tells of a run without an outcome. */
function unfinishedBy(mark: InFlight | null, { run, isAtWork }: { run: string; isAtWork: boolean }): Unfinished {
  if (mark?.run !== run) return { state: 'not_recorded', pid: null };
  return isAtWork ? { state: 'at_work', pid: mark.pid } : { state: 'cut_off', pid: null };
}

/** A ledger without an outcome is of a run that has not ended, or whose end could not be written: what is known is told. */
function documentFrom(record: RunRecord, unfinished: Unfinished): ToldRun {
  const { inputs, document } = record;
  if (document) return document;
  const isAtWork = unfinished.state === 'at_work';
  // The step that is under way has not failed.
  const steps = stepRecordsOf(record).filter(({ name }) => !isAtWork || record.steps.get(name) !== 'intended');
  const isLost = unfinished.state === 'not_recorded' && record.steps.size > 0;
  const failure = isAtWork ? record.failure : isLost ? unrecordedFailure(record) : cutOffFailure(record);
  const active = record.steps.size === 0 ? inputs.from : null;
  const ending = { outcome: 'interrupted' as const, exit_code: ExitCode.interrupted, downtime_ms: null, checks: [] };
  const nowMs = isAtWork ? Date.now() : Date.parse(inputs.startedAt);
  return { ...documentOf(inputs, { ...ending, active, steps, failure }, nowMs), unfinished };
}
