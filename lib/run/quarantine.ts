import { readNowIfThere, writeDurably } from '../base/files.ts';
import { verdictsOf } from './build-verdicts.ts';
import type { Reason } from './failure.ts';
import { endsNewestFirst } from './history.ts';
import type { StatePaths } from './state.ts';

/** Why a build is never picked by itself again. */
export interface QuarantineEntry {
  run: string;
  reason: Reason;
  since: string;
}

/** A build with why it is never picked by itself. */
export type Refused = QuarantineEntry & { build: string };

export type Quarantine = Record<string, QuarantineEntry>;

/**
 * The builds that failed their gate. Where the file cannot be understood, what the runs tell, which is the same as long as their
 * ledgers are there: state may be lost, and a file torn.
 */
export async function readQuarantine(paths: StatePaths): Promise<Quarantine> {
  return entriesIn(readNowIfThere(paths.quarantine)) ?? fromRuns(paths);
}

/** Adds a build. @throws `disk`, `permission` */
export async function quarantine(paths: StatePaths, build: string, entry: QuarantineEntry): Promise<void> {
  await replace(paths, (known) => ({ ...known, [build]: entry }));
}

/** Lets a build out: it passed its gate after all. */
export async function release(paths: StatePaths, build: string): Promise<void> {
  await replace(paths, ({ [build]: entry, ...others }) => (entry ? others : null));
}

/** @param change what is to be written, or null where all is as it should be */
async function replace(paths: StatePaths, change: (known: Quarantine) => Quarantine | null): Promise<void> {
  const text = readNowIfThere(paths.quarantine);
  const known = entriesIn(text);
  const wanted = change(known ?? (await fromRuns(paths)));
  if (wanted === null) return;
  // Somebody may want to see what became of it. Itself it stays until it is replaced: with no file at all nothing is quarantined.
  if (known === null) await writeDurably(`${paths.quarantine}.torn`, text ?? '');
  await writeDurably(paths.quarantine, `${JSON.stringify(wanted, null, 2)}\n`);
}

/** @param text null: there is no file @returns null where it cannot be understood */
function entriesIn(text: string | null): Quarantine | null {
  try {
    const value = JSON.parse(text ?? '{}') as Quarantine;
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}

/** The newest word on each build counts. */
async function fromRuns(paths: StatePaths): Promise<Quarantine> {
  const judged = new Map<string, QuarantineEntry | null>();
  for await (const { inputs, document } of endsNewestFirst(paths)) {
    for (const { build, reason } of document ? verdictsOf(inputs, document) : []) {
      const entry = reason === null ? null : { run: inputs.run, reason, since: inputs.startedAt };
      if (!judged.has(build)) judged.set(build, entry);
    }
  }
  const bad = [...judged].flatMap(([build, entry]) => (entry === null ? [] : [[build, entry] as const]));
  return Object.fromEntries(bad);
}
