import { join } from 'node:path';
import { readIfThere, writeDurably } from '../base/files.ts';
import { listRuns, readRun } from './history.ts';
import type { RunRecord } from './ledger.ts';
import { recoveriesIn, type Recovery, recoveryOf } from './recoveries.ts';
import type { StatePaths } from './state.ts';
import { addRecovery, addRun, copyOf, emptyTally, isTally, type Tally } from './tally.ts';

/** What `totals.json` holds: the runs whose ledgers were removed, or are about to be. */
interface Folded {
  version: 1;
  /** runs that `tally` counts and whose ledger may still be there: it is not counted again */
  counted: string[];
  /** recoveries that `tally` counts and of which attempts may still be there */
  recovered: string[];
  tally: Tally;
}

/** A prune may fold ledgers in between two looks, not again and again. */
const mostLooks = 5;

/**
 * What all runs of a target that ended came to, those included whose ledgers a prune has removed. It grows only: a run in
 * flight counts once its outcome is written down. Lost or damaged totals begin anew, as a counter may.
 * @throws `permission`
 */
export async function readTotals(paths: StatePaths, nowMs = Date.now()): Promise<Tally> {
  for (let look = 1; ; look += 1) {
    const before = await readText(paths);
    const { counted, recovered, tally } = foldedFrom(before);
    const all = copyOf(tally);
    const records = await readRecords(paths, await listRuns(paths));
    addLedgers(all, records, new Set(counted));
    for (const one of openRecoveries(records, { counted, recovered, nowMs })) addRecovery(all, one);
    // Ledgers that a prune removed meanwhile stand in the totals that it wrote before it did.
    if (look === mostLooks || (await readText(paths)) === before) return all;
  }
}

/**
 * Counts runs into the totals, for whoever removes their ledgers next: only once this has returned. For whoever holds the target.
 * @throws `disk`, `permission`: the ledgers have to stay then
 */
export async function foldLedgers(paths: StatePaths, runs: readonly string[]): Promise<void> {
  const { counted, recovered, tally } = foldedFrom(await readText(paths));
  const there = await readRecords(paths, await listRuns(paths));
  const names = new Set(there.map(({ inputs }) => inputs.run));
  const left = counted.filter((run) => names.has(run));
  const all = copyOf(tally);
  const going = there.filter(({ inputs }) => runs.includes(inputs.run));
  const added = addLedgers(all, going, new Set(left));
  // Attempts may go one by one: the newest one, which tells what all came to, counts for them.
  const newest = openRecoveries(there, { counted: left, recovered, nowMs: Number.POSITIVE_INFINITY });
  const ended = newest.filter(({ run }) => added.includes(run));
  for (const one of ended) addRecovery(all, one);
  const ids = new Set(there.map(recoveryOf));
  const known = [...recovered.filter((id) => ids.has(id)), ...ended.map(({ id }) => id)];
  const folded: Folded = { version: 1, counted: [...left, ...added], recovered: known, tally: all };
  if (added.length > 0) await writeDurably(totalsPath(paths), `${JSON.stringify(folded)}\n`);
}

/** The recoveries that are over and not counted yet. */
function openRecoveries(
  records: readonly RunRecord[],
  { counted, recovered, nowMs }: Pick<Folded, 'counted' | 'recovered'> & { nowMs: number },
): Recovery[] {
  const uncounted = records.filter(({ inputs }) => !counted.includes(inputs.run));
  return recoveriesIn(uncounted, nowMs).filter(({ id, isOver }) => isOver && !recovered.includes(id));
}

async function readRecords(paths: StatePaths, runs: readonly string[]): Promise<RunRecord[]> {
  const records: RunRecord[] = [];
  for (const run of runs) {
    const record = await readRun(paths, run);
    if (record) records.push(record);
  }
  return records;
}

/** @returns the runs that were added: those that have an outcome */
function addLedgers(tally: Tally, records: readonly RunRecord[], except: ReadonlySet<string>): string[] {
  const added: string[] = [];
  for (const { inputs, document } of records) {
    if (!document || except.has(inputs.run)) continue;
    addRun(tally, document);
    added.push(inputs.run);
  }
  return added;
}

function foldedFrom(text: string | null): Folded {
  const nothing: Folded = { version: 1, counted: [], recovered: [], tally: emptyTally() };
  try {
    const value = JSON.parse(text ?? 'null') as (Omit<Folded, 'recovered'> & { recovered?: string[] }) | null;
    if (value?.version !== 1 || !Array.isArray(value.counted) || !value.tally) return nothing;
    // Earlier ones knew nothing of recoveries.
    const tally = { ...emptyTally(), ...value.tally };
    const { counted, recovered = [] } = value;
    return isTally(tally) && Array.isArray(recovered) ? { version: 1, counted, recovered, tally } : nothing;
  } catch {
    return nothing;
  }
}

function readText(paths: StatePaths): Promise<string | null> {
  return readIfThere(totalsPath(paths));
}

function totalsPath({ directory }: StatePaths): string {
  return join(directory, 'totals.json');
}
