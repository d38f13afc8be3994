import { type AppendFile, openAppend } from '../base/append-file.ts';
import { makePrivateDirectory, readNowIfThere } from '../base/files.ts';
import { type Redact, redactSentences } from '../base/redactor.ts';
import type { RunDocument } from './document.ts';
import type { Failure, Reason } from './failure.ts';
import type { RunInputs } from './inputs.ts';
import { withoutSecrets } from './kept-inputs.ts';
import { ledgerPath, type StatePaths } from './state.ts';
import type { StepFacts, StepRecord } from './step.ts';

/** How far a step has come. Each but `intended` and `reverting` comes after an act. */
export type StepState = 'intended' | 'applied' | 'done' | 'failed' | 'reverting' | 'reverted' | 'revert_failed';

export type LedgerEntry =
  | { type: 'begin'; inputs: RunInputs }
  | {
      type: 'step';
      name: string;
      state: StepState;
      /** of one that is intended: it leaves nothing to take back */
      isLook?: true;
      facts?: StepFacts;
      message?: string;
      reason?: Reason;
    }
  | { type: 'failure'; failure: Failure }
  /** the machine was booted, and `current` put back before the unit was started */
  | { type: 'boot' }
  /** the build that the inputs name to go back to is gone, and this one takes its place */
  | { type: 'way_back'; to: string }
  | { type: 'outcome'; document: RunDocument };

export type LedgerLine = LedgerEntry & { at: string };

/** The record of a run: one JSON document a line, only ever added to. */
export interface Ledger {
  readonly path: string;
  /**
   * Adds a line; a durable one is on the disk when this returns, or soon after. The default: all but steps, which know it themselves.
   * @throws `disk`, `permission`
   */
  write(entry: LedgerEntry, options?: { isDurable?: boolean | 'soon' }): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens the ledger of a run, new or to go on with.
 * @param redact takes secrets out of what is written: what a unit said may be a part of it
 * @throws `disk`, `permission`
 */
export async function openLedger(paths: StatePaths, run: string, redact: Redact = (text) => text): Promise<Ledger> {
  await makePrivateDirectory(paths.runs);
  const path = ledgerPath(paths, run);
  const torn = readNowIfThere(path);
  const file: AppendFile = await openAppend(path);
  // A power cut may have left half a line; what follows must not become a part of it.
  if (torn && !torn.endsWith('\n')) await file.append('\n');
  let start = '';
  return {
    path,
    async write(entry, { isDurable = entry.type !== 'step' } = {}) {
      // A plan is made from the inputs again: what is hidden in them is taken from the configuration then.
      const kept =
        entry.type === 'begin'
          ? { ...entry, inputs: withoutSecrets(entry.inputs, redact) }
          : (redactSentences(entry, redact) as LedgerEntry);
      const line = `${start}${JSON.stringify({ at: new Date().toISOString(), ...kept })}\n`;
      // A disk that fills up in the middle leaves half a line too.
      start = '\n';
      await file.append(line, { sync: isDurable });
      start = '';
    },
    close: () => file.close(),
  };
}

/** The lines of a ledger; half a line and anything foreign is passed over. Null: no such ledger. */
export async function readLedger(path: string): Promise<LedgerLine[] | null> {
  const text = readNowIfThere(path);
  return text === null ? null : linesIn(text);
}

function linesIn(text: string): LedgerLine[] {
  return text.split('\n').flatMap((line) => parseLine(line) ?? []);
}

function parseLine(line: string): LedgerLine | null {
  try {
    const value = JSON.parse(line) as LedgerLine | null;
    return typeof value === 'object' && value !== null && typeof value.type === 'string' ? value : null;
  } catch {
    return null;
  }
}

/** What a run was to do, and how it ended: most questions ask for no more, and two lines of its ledger tell it. */
export type RunEnds = Pick<RunRecord, 'inputs' | 'document'>;

/** The same as the whole record tells; null when there is no usable ledger. */
export function readEnds(path: string): RunEnds | null {
  const text = readNowIfThere(path) ?? '';
  const first = parseLine(text.slice(0, text.indexOf('\n')));
  const last = parseLine(text.slice(text.lastIndexOf('\n', text.length - 2) + 1));
  const areAll = last?.type === 'outcome' && !text.includes('"type":"way_back"');
  if (first?.type !== 'begin' || !isWhole(first.inputs) || !areAll) return recordOf(linesIn(text));
  return { inputs: first.inputs, document: last.document };
}

/** What a ledger says, put together. */
export interface RunRecord {
  inputs: RunInputs;
  /** the steps that were begun, in that order, with how far each came */
  steps: Map<string, StepState>;
  /** whether any of them may have left something */
  hasActed: boolean;
  /** the steps that were applied and never failed, whatever was done to them afterwards */
  applied: Set<string>;
  /** whether the machine was booted since, and `current` is back already */
  isBooted: boolean;
  failure: Failure | null;
  document: RunDocument | null;
}

/** Puts the lines together; null when there is no usable first line. */
export function recordOf(lines: readonly LedgerLine[]): RunRecord | null {
  const [first] = lines;
  if (first?.type !== 'begin' || !isWhole(first.inputs)) return null;
  const { inputs } = first;
  const record: RunRecord = {
    inputs,
    steps: new Map(),
    hasActed: false,
    applied: new Set(),
    isBooted: false,
    failure: null,
    document: null,
  };
  for (const line of lines) {
    if (line.type === 'step') addStep(record, line);
    if (line.type === 'boot') record.isBooted = true;
    if (line.type === 'way_back') record.inputs = { ...record.inputs, back: line.to };
    if (line.type === 'failure') record.failure = line.failure;
    if (line.type === 'outcome') record.document = line.document;
  }
  return record;
}

function addStep(record: RunRecord, line: LedgerLine & { type: 'step' }): void {
  const { name, state, isLook, reason, message = '' } = line;
  const { steps, applied } = record;
  steps.set(name, state);
  if (state === 'intended' && !isLook) record.hasActed = true;
  if (state === 'applied') applied.add(name);
  if (state !== 'failed') return;
  applied.delete(name);
  // The line of the failure itself may not have been written any more.
  if (reason) record.failure ??= { step: name, reason, message, evidence: null };
}

/** What became of the steps as a document tells it, for a run whose process did not live to say it. */
export function stepRecordsOf({ steps, applied }: RunRecord): StepRecord[] {
  return [...steps].map(([name, state]) => {
    const isTakenBack = state === 'reverted' || state === 'revert_failed';
    const status = isTakenBack && applied.has(name) ? state : applied.has(name) ? 'done' : 'failed';
    return { name, status, duration_ms: 0 };
  });
}

/** The failure of a run whose process ended in the middle of it. */
export function cutOffFailure({ inputs, steps, failure }: RunRecord): Failure {
  const step = [...steps.keys()].at(-1) ?? 'begin';
  const message = `the process of run ${inputs.run} ended in the middle of it`;
  return failure ?? { step, reason: 'interrupted', message, evidence: null };
}

/** What there is to say of a run that has ended, and whose ledger does not tell how: a disk took no more of it. */
export function unrecordedFailure({ inputs, steps, failure }: RunRecord): Failure {
  const step = [...steps.keys()].at(-1) ?? 'begin';
  return (
    failure ?? {
      step,
      reason: 'disk',
      message: `the outcome of run ${inputs.run} could not be written`,
      evidence: null,
    }
  );
}

/** Whether what stands in the first line can be planned from: another version, or another program, may have written it. */
function isWhole(inputs: Partial<RunInputs> | null): boolean {
  const { run, to, target, startedAt } = inputs ?? {};
  const isNamed = [run, to, startedAt, target?.unit, target?.builds, target?.name].every(
    (text) => typeof text === 'string',
  );
  return isNamed && Array.isArray(target?.ports) && typeof target?.health === 'object';
}
