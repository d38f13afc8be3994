import { stampOf } from '../builds/layout.ts';
import type { ManagerKind, TargetConfig } from '../config/model.ts';

export type RunKind = 'deploy' | 'rollback' | 'settle' | 'recovery';

/**
 * Everything that a run depends on, as the ledger's first line holds it. The plan is a pure
 * function of this, so that whoever finds the ledger can end the run.
 */
export interface RunInputs {
  run: string;
  kind: RunKind;
  app: string;
  manager: ManagerKind;
  /** the directory of the run's log */
  logs: string;
  target: TargetConfig;
  /** the build that `current` named at the start; null: a first deploy */
  from: string | null;
  to: string;
  /** the build to go back to; null: there is none that was proven */
  back: string | null;
  /** the unit's invocation before the run: the new one must differ */
  invocationBefore: string;
  /** what the previous build used, to see a spike; null: not known */
  memoryBefore: number | null;
  startedAt: string;
}

/**
 * A run's name: the time in UTC, then four hex digits that grow within the second, so that names sort as runs began
 * and two in one millisecond still differ.
 */
export function newRunId(now = new Date()): string {
  const within = now.getUTCMilliseconds() * 65 + Math.floor(Math.random() * 65);
  return `${stampOf(now)}-${within.toString(16).padStart(4, '0')}`;
}
