import { type ErrorCode, fileError, isCutoverError, messageOf } from '../base/errors.ts';

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

/** What systemd, or the bus to it, says no to. */
const systemdsCodes: readonly ErrorCode[] = [
  'systemd_unavailable',
  'bus_lost',
  'no_such_unit',
  'unit_masked',
  'unit_exists',
  'job_failed',
];

/** Steps that ask nothing of systemd: what goes wrong in them is what they work with. */
const reasonOfStep: Readonly<Record<string, Reason>> = {
  fetch: 'hook',
  test: 'hook',
  build: 'hook',
  backup: 'database',
  keep: 'database',
  restore: 'database',
};

/** The reason for anything that a step may throw; what we know nothing of came from what the step works with, mostly systemd. */
export function reasonOf(error: unknown, step?: string): Reason {
  if (error instanceof StepFailure) return error.reason;
  // What the kernel refuses is named as it is when we refuse it.
  const named = fileError(error, '', '');
  const known = isCutoverError(named) ? reasonOfCode[named.code] : undefined;
  if (known !== undefined) return known;
  const isSystemds = isCutoverError(error, ...systemdsCodes);
  return isSystemds ? 'systemd' : (reasonOfStep[step ?? ''] ?? 'systemd');
}

/** A run's failure, as the ledger and the run's document hold it. */
export interface Failure {
  step: string;
  reason: Reason;
  message: string;
  /** the command that mends what went wrong; absent: what to type follows from how the run ended */
  mend?: string;
  /** the directory with what was found */
  evidence: string | null;
  /** the backup that could not be put back, so that the data stays changed; null: there is none; absent: nothing had to be */
  unrestored?: string | null;
}

export function failureOf(step: string, error: unknown): Failure {
  const mend = isCutoverError(error) && error.mend !== undefined ? { mend: error.mend } : {};
  return { step, reason: reasonOf(error, step), message: messageOf(error), ...mend, evidence: null };
}
