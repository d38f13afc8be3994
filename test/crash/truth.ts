import type { RunDocument } from '../../lib/run/document.ts';
import type { LedgerLine } from '../../lib/run/ledger.ts';

/** What the history has to tell of a run. */
export interface Told {
  outcome: string;
  active: string | null;
  /** where and why it failed */
  failure: [step: string, reason: string] | null;
  steps: Record<string, string>;
}

/** These have something to take back. */
const revertable = new Set(['stop', 'swap', 'start', 'stand-in']);

/**
 * What the history must tell of a run that died, worked out from the ledger that the dead process left: a run whose
 * outcome was written had ended; any other went back.
 */
export function truthOf(ledger: readonly LedgerLine[], back: string | null): Told {
  const outcome = outcomeOf(ledger);
  if (outcome) return tellingOf(outcome);
  const states = new Map<string, string[]>();
  for (const line of ledger) {
    if (line.type === 'step') states.set(line.name, [...(states.get(line.name) ?? []), line.state]);
  }
  const steps = Object.fromEntries([...states].map(([name, seen]) => [name, statusOf(name, seen)]));
  const failed = ledger.find((line) => line.type === 'step' && line.state === 'failed');
  const cutOff = [...states.keys()].at(-1) ?? 'begin';
  const why: Told['failure'] = failed?.type === 'step' ? [failed.name, failed.reason ?? ''] : [cutOff, 'interrupted'];
  return { outcome: states.size === 0 ? 'interrupted' : 'rolled_back', active: back, failure: why, steps };
}

/** The document that the run had written; null: it died before. */
export function outcomeOf(ledger: readonly LedgerLine[] | null): RunDocument | null {
  return ledger?.find((line) => line.type === 'outcome')?.document ?? null;
}

/** The same parts of what the history tells. */
export function tellingOf({ outcome, active, failure, steps }: RunDocument): Told {
  return {
    outcome,
    active,
    failure: failure && [failure.step, failure.reason],
    steps: Object.fromEntries(steps.map(({ name, status }) => [name, status])),
  };
}

/** What was done was taken back, or had nothing to take back; what was only begun has failed. */
function statusOf(name: string, seen: readonly string[]): string {
  const isDone = (seen.includes('done') || seen.includes('applied')) && !seen.includes('failed');
  if (!isDone) return 'failed';
  return revertable.has(name) ? 'reverted' : 'done';
}
