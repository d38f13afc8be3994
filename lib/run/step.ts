/** What a step tells the ledger, for whoever reads the run later. `problem`: what it could not do, although the run goes on. */
export type StepFacts = Record<string, unknown> & { problem?: string };

/**
 * A reversible piece of a run. Each part may be called again after it was done, or after it
 * was cut off at any point: what is applied already stays so, what was not applied reverts to nothing.
 */
export interface Step {
  name: string;
  /** what it does, for who asks for the plan */
  does: string;
  /** does it; the signal is aborted when the person interrupts */
  apply: (signal: AbortSignal) => Promise<StepFacts | void>;
  /** sees that it holds */
  prove?: (signal: AbortSignal) => Promise<StepFacts | void>;
  /** takes it back; a step without one left nothing to take back */
  revert?: () => Promise<void>;
  /** it leaves nothing to take back */
  isLook?: true;
  /** what it did ends with the machine: after a boot only the other steps are to be taken back */
  isGoneAtBoot?: true;
  /** after a boot it is taken back whether or not it is known to have begun: where it had not, that changes nothing */
  isUndoneAtBoot?: true;
  /** what it did the history has to tell, whatever comes: once it is done, that is on the disk */
  changesData?: true;
  /** there is no way back from it: once it is done it is told so, also where no line of it can be written any more */
  isLasting?: true;
  /** once it was taken back, that must not be repeated: it would undo what came afterwards */
  isRevertedOnce?: true;
}

/**
 * Whether only a ledger that is on the disk, and not merely in the kernel's memory, tells after a power cut that a step may have
 * begun. The kernel's memory outlives the process: a kill takes no line with it.
 * @param begun the steps before it
 */
export function mustOutlivePower(step: Step, begun: readonly Step[]): boolean {
  if (step.isLook) return false;
  // The first line on the disk says that the run acts; what a boot ends by itself, or has taken back anyway, need not be told of.
  const isAct = begun.some(({ isLook }) => !isLook);
  return !isAct || !(step.isGoneAtBoot || step.isUndoneAtBoot);
}

/** When it has to be on the disk that a step was applied. What a boot would end is waited for by nobody: the port is still closed. */
export function durabilityOfApplied({ changesData, isGoneAtBoot }: Step): boolean | 'soon' {
  return changesData ?? (isGoneAtBoot ? 'soon' : false);
}

export type StepStatus = 'done' | 'failed' | 'reverted' | 'revert_failed' | 'skipped';

/** What became of a step, as the run's document holds it. */
export interface StepRecord {
  name: string;
  status: StepStatus;
  duration_ms: number;
  /** what it could not do, although the run went on */
  warning?: string;
}
