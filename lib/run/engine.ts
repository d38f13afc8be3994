import { CutoverError, messageOf } from '../base/errors.ts';
import type { Emit } from './events.ts';
import { type Failure, failureOf } from './failure.ts';
import type { Ledger, LedgerEntry } from './ledger.ts';
import { durabilityOfApplied, mustOutlivePower, type Step, type StepFacts, type StepRecord } from './step.ts';

export interface EngineOptions {
  ledger: Ledger;
  emit: Emit;
  /** aborted when the person interrupts; reverting does not listen to it */
  signal: AbortSignal;
}

/** What applying a plan came to. `begun` are the steps that may have left something. */
export interface Applied {
  begun: Step[];
  records: StepRecord[];
  failure: Failure | null;
  /** what the failed step threw */
  error?: unknown;
}

/**
 * Applies steps in their order until one fails. Every step is in the ledger before its first act, and on the disk where a
 * power cut could hide what is to be taken back: a fsync that nobody needs is a wait with the port down.
 */
export async function applySteps(steps: readonly Step[], options: EngineOptions): Promise<Applied> {
  const applied: Applied = { begun: [], records: [], failure: null };
  for (const step of steps) {
    const began = performance.now();
    const finish = (status: 'done' | 'failed', warned: Pick<StepRecord, 'warning'> = {}): number => {
      const durationMs = performance.now() - began;
      applied.records.push({ name: step.name, status, duration_ms: Math.round(durationMs), ...warned });
      return durationMs;
    };
    try {
      const facts = await applyStep(step, applied.begun, options);
      const warned = facts?.problem === undefined ? {} : { warning: facts.problem };
      options.emit({ type: 'step', name: step.name, state: 'done', durationMs: finish('done', warned), ...warned });
    } catch (error) {
      [applied.failure, applied.error] = [failureOf(step.name, error), error];
      const { message, reason } = applied.failure;
      options.emit({ type: 'step', name: step.name, state: 'failed', durationMs: finish('failed'), message });
      const entry: LedgerEntry = { type: 'step', name: step.name, state: 'failed', message, reason };
      // Whoever goes on with the run takes back what the ledger names: one that never began is not among it.
      if (applied.begun.includes(step)) await recordAnyway(options.ledger, entry);
      break;
    }
  }
  return applied;
}

async function applyStep(
  step: Step,
  begun: Step[],
  { ledger, emit, signal }: EngineOptions,
): Promise<StepFacts | void> {
  signal.throwIfAborted();
  const { name } = step;
  const look = step.isLook ? { isLook: step.isLook } : {};
  await ledger.write({ type: 'step', name, state: 'intended', ...look }, { isDurable: mustOutlivePower(step, begun) });
  begun.push(step);
  emit({ type: 'step', name, state: 'begun', durationMs: 0 });
  const facts = await step.apply(signal);
  const write = async (entry: LedgerEntry, isDurable: boolean | 'soon' = false): Promise<unknown> =>
    step.isLasting ? recordAnyway(ledger, entry, { isDurable }) : ledger.write(entry, { isDurable });
  await write({ type: 'step', name, state: 'applied', ...(facts ? { facts } : {}) }, durabilityOfApplied(step));
  const proof = await step.prove?.(signal);
  await write({ type: 'step', name, state: 'done', ...(proof ? { facts: proof } : {}) });
  return facts;
}

/**
 * Takes begun steps back, last to first. One that cannot be taken back does not stop the others:
 * the gate after it has the last word. Nor does a ledger that cannot be written.
 * @returns what was thrown; empty when each was taken back
 */
export async function revertSteps(
  begun: readonly Step[],
  records: StepRecord[],
  { ledger, emit }: Pick<EngineOptions, 'ledger' | 'emit'>,
): Promise<unknown[]> {
  const errors: unknown[] = [];
  const keep = (error: unknown): string => {
    errors.push(error);
    return messageOf(error);
  };
  for (const { name, revert, isRevertedOnce } of begun.toReversed()) {
    if (!revert) continue;
    const began = performance.now();
    await recordAnyway(ledger, { type: 'step', name, state: 'reverting' });
    emit({ type: 'step', name, state: 'reverting', durationMs: 0 });
    const message = await revert().then(() => undefined, keep);
    const state = message === undefined ? 'reverted' : 'revert_failed';
    const durationMs = performance.now() - began;
    await recordAnyway(ledger, { type: 'step', name, state, message }, isRevertedOnce && { isDurable: true });
    emit({ type: 'step', name, state, durationMs, message });
    mark(records, name, state, durationMs);
  }
  return errors;
}

function mark(records: StepRecord[], name: string, status: StepRecord['status'], durationMs: number): void {
  const known = records.find((record) => record.name === name);
  if (!known) records.push({ name, status, duration_ms: Math.round(durationMs) });
  // What failed stays named as failed: that it was also taken back is what a failed step means.
  else if (known.status !== 'failed' || status === 'revert_failed') known.status = status;
}

/** A full disk must not keep a service from coming back. */
export async function recordAnyway(
  ledger: Ledger,
  entry: LedgerEntry,
  options?: Parameters<Ledger['write']>[1],
): Promise<boolean> {
  return ledger.write(entry, options).then(
    () => true,
    () => false,
  );
}

/** What a step's wait ends with when the person interrupts. */
export function interruption(signalName: string): CutoverError {
  return new CutoverError('interrupted', `interrupted by ${signalName}`);
}
