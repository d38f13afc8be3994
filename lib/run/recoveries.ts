import type { Outcome } from './document.ts';
import type { RunRecord } from './ledger.ts';

/** One recovery, however many attempts it took: each of them is a run of its own. */
export interface Recovery {
  id: string;
  /** its newest run, whose outcome is that of the recovery */
  run: string;
  outcome: Outcome;
  /** false: another attempt may follow */
  isOver: boolean;
  startedMs: number;
  endedMs: number;
}

/** A recovery whose next attempt has not come by then was ended by somebody. */
const nextAttemptMs = 60 * 60_000;

/** The recovery that a run is an attempt of; null: it is none. One that nobody numbered is a recovery by itself. */
export function recoveryOf({ inputs: { run, kind, recovery } }: Pick<RunRecord, 'inputs'>): string | null {
  return recovery?.id ?? (kind === 'recovery' ? run : null);
}

/** The recoveries among runs that ended, each once, in the order of their newest runs. @param records in any order */
export function recoveriesIn(records: Iterable<RunRecord>, nowMs: number): Recovery[] {
  const found = new Map<string, Recovery>();
  const sorted = [...records].toSorted((one, other) => (one.inputs.run < other.inputs.run ? -1 : 1));
  for (const { inputs, document } of sorted) {
    const id = recoveryOf({ inputs });
    if (id === null || !document) continue;
    const { run, outcome, started_at, duration_ms } = { ...document, run: inputs.run };
    const startedMs = Date.parse(started_at);
    const endedMs = startedMs + duration_ms;
    const isLast = outcome === 'deployed' || (inputs.recovery?.isLast ?? true);
    const isOver = isLast || nowMs - endedMs > nextAttemptMs;
    const before = found.get(id);
    found.delete(id);
    found.set(id, { id, run, outcome, isOver, startedMs: before?.startedMs ?? startedMs, endedMs });
  }
  return [...found.values()];
}
