import type { Outcome } from '../../run/document.ts';
import type { Cause } from '../../run/cause.ts';
import type { Failure } from '../../run/failure.ts';
import type { RunKind } from '../../run/inputs.ts';
import type { StepRecord } from '../../run/step.ts';
import type { FigureName, Figure } from '../slo.ts';

/** How a target stands: `changing` while a run is at work, `unknown` where it could not be looked at. */
export type Standing = 'up' | 'down' | 'changing' | 'unknown';

/** All that the page shows, and what `/state` and `/events` tell. Names and units as in every document of ours. */
export interface PageModel {
  app: string;
  version: string;
  /** when it was so */
  at: string;
  targets: ShownTarget[];
  machine: ShownMachine;
}

export interface ShownTarget {
  target: string;
  /** the file of the configuration; null: there is none */
  config: string | null;
  unit: string;
  strategy: string;
  ports: number[];
  standing: Standing;
  /** what is wrong, a sentence each */
  findings: string[];
  /** the commands to type next, the first one first; empty: nothing is left to do */
  next: string[];
  unit_state: ShownUnit | null;
  build: ShownBuild;
  health: ShownHealth;
  running: ShownRunning | null;
  /** whoever has the target before a run of theirs begins, as while hooks build; null: nobody, or the run has begun */
  holder: ShownHolder | null;
  /** what was pushed and is not over, in its order */
  requests: ShownRequest[];
  /** newest first */
  runs: ShownRun[];
  /** R7; null: the records of runs could not be read */
  figures: Record<FigureName, Figure> | null;
  /** of the unit's journal, newest last */
  recent_errors: string[];
}

/** What systemd says of the unit. */
export interface ShownUnit {
  state: string;
  sub_state: string;
  /** of its last change of state; null: never */
  since: string | null;
  main_pid: number | null;
  restarts: number;
  memory_bytes: number | null;
  memory_max_bytes: number | null;
}

/** What serves, and what would be gone back to. */
export interface ShownBuild {
  current: string | null;
  /** what a healthy service really runs from: `current` where that may not be seen; null: something that is no build */
  serving: string | null;
  /** of `current`, as the next ones */
  revision: string | null;
  branch: string | null;
  /** when the run that brought it ended; null: no record tells */
  since: string | null;
  previous: string | null;
}

/** One question to a health address. */
export interface HealthSample {
  at: string;
  ok: boolean;
  /** of the slowest address */
  response_ms: number;
}

/** What the health addresses answered while somebody looked. */
export interface ShownHealth {
  /** the last answers, one for each address; empty: not asked yet, or there is none */
  answers: { url: string; status: number | null; problem: string | null; response_ms: number }[];
  /** oldest first */
  samples: HealthSample[];
  asked: number;
  failed: number;
  /** null: not asked yet */
  error_rate: number | null;
  median_ms: number | null;
  /** from the first sample to the last */
  window_ms: number;
}

export type RunningStepState = 'done' | 'now' | 'failed' | 'going_back' | 'reverted' | 'revert_failed' | 'ahead';

export interface RunningStep {
  name: string;
  state: RunningStepState;
  /** null: not begun */
  began_at: string | null;
  /** null: not over */
  duration_ms: number | null;
}

/** A run that has not ended. */
export interface ShownRunning {
  run: string;
  kind: RunKind;
  /** `cut_off`: nobody is at work on it, and it waits to be settled */
  state: 'at_work' | 'cut_off';
  from: string | null;
  to: string;
  revision: string | null;
  branch: string | null;
  started_at: string;
  /** those ahead are as the last good run of its kind had them */
  steps: RunningStep[];
  /** why it goes back; null: it goes on */
  failure: Failure | null;
}

export interface ShownHolder {
  /** `deploy of the newest build`, `backup` … */
  doing: string;
  pid: number;
  user: string;
  since: string;
}

/** A request that the receiver accepted. */
export interface ShownRequest {
  id: string;
  state: 'queued' | 'running';
  branch: string | null;
  revision: string | null;
  queued_at: string;
  /** the hook at work before the run's first step */
  stage: string | null;
}

/** A run that has ended. */
export interface ShownRun {
  run: string;
  kind: RunKind;
  outcome: Outcome;
  from: string | null;
  to: string | null;
  active: string | null;
  revision: string | null;
  branch: string | null;
  started_at: string;
  duration_ms: number;
  downtime_ms: number | null;
  longest_wait_ms: number | null;
  steps: StepRecord[];
  failure: Failure | null;
  /** why it was begun without a person */
  cause?: Cause | null;
  /** the one sentence that tells it all */
  sentence: string;
  /** what to type after it, if it is the last one */
  next: string[];
}

export interface ShownMachine {
  memory_total_bytes: number;
  memory_available_bytes: number;
  disks: ShownDisk[];
}

/** As df(1) counts it. */
export interface ShownDisk {
  path: string;
  used_percent: number;
  available_bytes: number;
}
