import type { CheckAnswer } from '../checks/check.ts';
import { ExitCode } from '../base/errors.ts';
import type { Cause } from './cause.ts';
import type { Failure } from './failure.ts';
import type { RunInputs, RunKind } from './inputs.ts';
import type { StepRecord } from './step.ts';

export type Outcome = 'deployed' | 'unchanged' | 'refused' | 'rolled_back' | 'failed' | 'interrupted';

/** A run as others script against it: what `--json` prints and the ledger's last line holds. */
export interface RunDocument {
  run: string | null;
  kind: RunKind;
  app: string;
  target: string;
  unit: string;
  strategy: string;
  outcome: Outcome;
  exit_code: number;
  from: string | null;
  to: string | null;
  /** what `to` was made from, as far as its manifest tells; ledgers of earlier versions have neither */
  revision: string | null;
  branch: string | null;
  active: string | null;
  started_at: string;
  duration_ms: number;
  downtime_ms: number | null;
  /** the longest that somebody who asked had to wait, where the port is never closed; null: not measured */
  longest_wait_ms: number | null;
  steps: StepRecord[];
  checks: CheckAnswer[];
  failure: Failure | null;
  /** what was brought to an end before a run that then did nothing, in words; absent: there was nothing */
  ended_first?: string;
  /** why it was begun, where no person asked for it; ledgers of earlier versions have none */
  cause?: Cause | null;
}

/** What differs from run to run at its end. */
export type Ending = Pick<
  RunDocument,
  'outcome' | 'exit_code' | 'active' | 'downtime_ms' | 'steps' | 'checks' | 'failure'
> & { longest_wait_ms?: number | null };

/** The document of a run that began. */
export function documentOf(inputs: RunInputs, ending: Ending, nowMs = Date.now()): RunDocument {
  const { run, kind, app, target, from, to, revision = null, branch = null, startedAt, stages = [] } = inputs;
  const { cause = null } = inputs;
  const { unit, strategy, name } = target;
  const started = { started_at: startedAt, duration_ms: Math.max(0, nowMs - Date.parse(startedAt)) };
  const { outcome, exit_code, active, downtime_ms, longest_wait_ms = null, checks, failure } = ending;
  const steps = [...stages, ...ending.steps];
  const waits = { downtime_ms, longest_wait_ms };
  const what = { run, kind, app, target: name, unit, strategy, outcome, exit_code };
  const which = { from, to, revision, branch, active };
  return { ...what, ...which, ...started, ...waits, steps, checks, failure, cause };
}

/** The exit code that says the same as an outcome. */
export const exitCodeOfOutcome: Record<Outcome, number> = {
  deployed: ExitCode.done,
  unchanged: ExitCode.done,
  refused: ExitCode.refused,
  rolled_back: ExitCode.rolledBack,
  failed: ExitCode.failed,
  interrupted: ExitCode.interrupted,
};
