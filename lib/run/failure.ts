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

/** The data could not be put back as it was before the run: whatever serves then, serves on changed data. */
export class NotRestored extends StepFailure {
  /** the backup that holds the data as it was; null: there is none */
  readonly file: string | null;

  constructor(file: string | null, message: string, options?: ErrorOptions) {
    super('database', `the database stays as it was migrated: ${message}`, options);
    this.name = 'NotRestored';
    this.file = file;
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
  /** the backup that could not be put back, so that the data stays changed; null: there is none; absent: nothing had to be */
  unrestored?: string | null;
}

export function failureOf(step: string, error: unknown): Failure {
  return { step, reason: reasonOf(error), message: messageOf(error), evidence: null };
}
