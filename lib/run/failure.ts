import { type ErrorCode, isCutoverError, messageOf } from '../base/errors.ts';

/** Why a run failed; the contract's list. */
export type Reason =
  | 'start'
  | 'exited'
  | 'restarting'
  | 'port_taken'
  | 'health'
  | 'identity'
  | 'memory'
  | 'cpu'
  | 'journal'
  | 'hook'
  | 'database'
  | 'timeout'
  | 'interrupted'
  | 'disk'
  | 'permission'
  | 'systemd';

/** A step's way to say what is wrong, in the contract's words. */
export class StepFailure extends Error {
  readonly reason: Reason;

  constructor(reason: Reason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StepFailure';
    this.reason = reason;
  }
}

const reasonOfCode: Partial<Record<ErrorCode, Reason>> = {
  timeout: 'timeout',
  permission: 'permission',
  disk: 'disk',
  interrupted: 'interrupted',
};

/** The reason for anything that a step may throw; what we know nothing of came from systemd. */
export function reasonOf(error: unknown): Reason {
  if (error instanceof StepFailure) return error.reason;
  return (isCutoverError(error) ? reasonOfCode[error.code] : undefined) ?? 'systemd';
}

/** A run's failure, as the ledger and the run's document hold it. */
export interface Failure {
  step: string;
  reason: Reason;
  message: string;
  /** the directory with what was found */
  evidence: string | null;
}

export function failureOf(step: string, error: unknown): Failure {
  return { step, reason: reasonOf(error), message: messageOf(error), evidence: null };
}
