import { stampOf } from '../builds/layout.ts';
import type { ManagerKind, TargetConfig } from '../config/model.ts';
import type { Cause } from './cause.ts';
import type { StepRecord } from './step.ts';

export type RunKind = 'deploy' | 'rollback' | 'restore' | 'settle' | 'recovery';

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
  /** where the configuration stands, for whoever ends the run and tells of it; secrets stay there. Null: there is none */
  configFile?: string | null;
  target: TargetConfig;
  /** the build that `current` named at the start; null: a first deploy */
  from: string | null;
  to: string;
  /** what the manifest of `to` tells of its source; older ledgers have neither */
  revision?: string | null;
  branch?: string | null;
  /** the build to go back to; null: there is none that was proven */
  back: string | null;
  /** the unit's invocation before the run: the new one must differ */
  invocationBefore: string;
  /** the units that were active and are stopped with this one, to be started again; none: there were none */
  alongside?: string[];
  /** what the previous build used, to see a spike; null: not known */
  memoryBefore: number | null;
  startedAt: string;
  /** the recovery that this is an attempt of, which others may follow unless it is the last; none: it stands by itself */
  recovery?: { id: string; isLast: boolean };
  /** what was wrong, where that began the run; none: a person did, or what a person set up */
  cause?: Cause | null;
  /** what was done before the first step: the hooks that made the build */
  stages?: StepRecord[];
}

/**
 * Whether there is nothing to go back to: a rollback away from a build that is down itself, or from a link that is gone.
 * What it is on the way to is then the only way out, for whoever settles it as well. A first deploy goes back to nothing.
 */
export function isOneWay({ kind, back, from }: Pick<RunInputs, 'kind' | 'back' | 'from'>): boolean {
  return back === null && (from !== null || kind === 'rollback');
}

/**
 * A run's name: the time in UTC, then four hex digits that grow within the second, so that names sort as runs began
 * and two in one millisecond still differ.
 * @param newest the newest run there is; after a clock that went backwards the new name still sorts behind it
 */
export function newRunId(newest: string | null, now = new Date()): string {
  const within = now.getUTCMilliseconds() * 65 + Math.floor(Math.random() * 65);
  const id = runId(now, within);
  return newest === null || id > newest ? id : after(newest);
}

/** Whether a name is that of a run. */
export function isRunId(name: string): boolean {
  return /^\d{8}-\d{6}-[0-9a-f]{4}$/.test(name);
}

function after(newest: string): string {
  const digits = Number.parseInt(newest.slice(-4), 16) + 1;
  if (digits <= 0xffff) return `${newest.slice(0, -4)}${hexOf(digits)}`;
  return runId(new Date(timeOf(newest).getTime() + 1000), 0);
}

function runId(time: Date, within: number): string {
  return `${stampOf(time)}-${hexOf(within)}`;
}

function hexOf(digits: number): string {
  return digits.toString(16).padStart(4, '0');
}

/** The second that the name tells. */
function timeOf(id: string): Date {
  const [, year, month, day, hour, minute, second] = /^(....)(..)(..)-(..)(..)(..)/.exec(id) ?? [];
  return new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
}
