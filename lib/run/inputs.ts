import { randomBytes } from 'node:crypto';
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

/** A run's name: the time in UTC and four hex digits, so that two in one second differ. */
export function newRunId(now = new Date()): string {
  return `${stampOf(now)}-${randomBytes(2).toString('hex')}`;
}
