import { join } from 'node:path';
import { readIfThere, writeDurably } from '../base/files.ts';
import { listRuns, readRun } from './history.ts';
import type { StatePaths } from './state.ts';
import { addRun, copyOf, emptyTally, isTally, type Tally } from './tally.ts';

/** What `totals.json` holds: the runs whose ledgers were removed, or are about to be. */
interface Folded {
  version: 1;
  /** runs that `tally` counts and whose ledger may still be there: it is not counted again */
  counted: string[];
  tally: Tally;
}

/** A prune may fold ledgers in between two looks, not again and again. */
const mostLooks = 5;

/**
 * What all runs of a target that ended came to, those included whose ledgers a prune has removed. It grows only: a run in
 * flight counts once its outcome is written down. Lost or damaged totals begin anew, as a counter may.
 * @throws `permission`
 */
export async function readTotals(paths: StatePaths): Promise<Tally> {
  for (let look = 1; ; look += 1) {
    const before = await readText(paths);
    const { counted, tally } = foldedFrom(before);
    const all = copyOf(tally);
    await addLedgers(all, { paths, runs: await listRuns(paths), except: new Set(counted) });
    // Ledgers that a prune removed meanwhile stand in the totals that it wrote before it did.
    if (look === mostLooks || (await readText(paths)) === before) return all;
  }
}

/**
 * Counts runs into the totals, for whoever removes their ledgers next: only once this has returned. For whoever holds the target.
 * @throws `disk`, `permission`: the ledgers have to stay then
 */
export async function foldLedgers(paths: StatePaths, runs: readonly string[]): Promise<void> {
  const { counted, tally } = foldedFrom(await readText(paths));
  const there = new Set(await listRuns(paths));
  const left = counted.filter((run) => there.has(run));
  const all = copyOf(tally);
  const added = await addLedgers(all, { paths, runs, except: new Set(left) });
  const folded: Folded = { version: 1, counted: [...left, ...added], tally: all };
  if (added.length > 0) await writeDurably(totalsPath(paths), `${JSON.stringify(folded)}\n`);
}

/** @returns the runs that were added: those that have an outcome */
async function addLedgers(
  tally: Tally,
  { paths, runs, except }: { paths: StatePaths; runs: readonly string[]; except: ReadonlySet<string> },
): Promise<string[]> {
  const added: string[] = [];
  for (const run of runs) {
    const document = except.has(run) ? null : (await readRun(paths, run))?.document;
    if (!document) continue;
    addRun(tally, document);
    added.push(run);
  }
  return added;
}

function foldedFrom(text: string | null): Folded {
  const nothing: Folded = { version: 1, counted: [], tally: emptyTally() };
  try {
    const value = JSON.parse(text ?? 'null') as Folded | null;
    const isOurs = value?.version === 1 && Array.isArray(value.counted) && isTally(value.tally);
    return isOurs ? value : nothing;
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
