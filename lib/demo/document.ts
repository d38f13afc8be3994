import type { RunDocument } from '../run/document.ts';
import type { Mark } from './observed.ts';
import type { Slot } from './slots.ts';

/** A time without a good answer, in milliseconds since the act's beginning. */
export interface Gap {
  /** when the last request before it was sent that had a good answer */
  from_ms: number;
  /** when the first after it was */
  to_ms: number;
  /** the requests between the two: how many, and when the first and the last was sent */
  requests: number;
  first_ms: number;
  last_ms: number;
}

/** What an act was from the load's side. */
export interface LoadView {
  requests: number;
  failed: number;
  /** answered with 200, but not by the service */
  wrong: number;
  longest_gap_ms: number;
  /** of those that were answered by the service */
  longest_wait_ms: number;
  gaps: Gap[];
}

/** One act as `--json` tells it. */
export interface ActDocument {
  name: string;
  title: string;
  command: string;
  outcome: RunDocument['outcome'] | null;
  exit_code: number | null;
  as_expected: boolean;
  downtime_ms: number | null;
  load: LoadView;
  /** when each step began, in milliseconds since the act's beginning */
  marks: { at_ms: number; label: string; kind: Mark['kind'] }[];
  /** the picture's columns: how the requests of each fared, and who answered them */
  timeline: { from_ms: number; slot_ms: number; slots: Slot[] };
  /** whether the process that took the port still ran after the act; null: there was none */
  stranger_alive: boolean | null;
  started_at: string;
  /** why there is no run */
  error: string | null;
  run: RunDocument | null;
}

/** A command of the last act, and what came of it. */
export interface SideRun {
  /** the letter of the build that was deployed */
  letter: string;
  command: string;
  outcome: RunDocument['outcome'] | null;
  exit_code: number | null;
  as_expected: boolean;
  error: string | null;
  run: RunDocument | null;
}

/** One of the two services of the last act. */
export interface SideDocument {
  strategy: SideStrategy;
  runs: SideRun[];
  /** how long the port was closed in all runs together; null: that was not measured */
  downtime_ms: number | null;
  load: LoadView;
  marks: ActDocument['marks'];
  timeline: ActDocument['timeline'];
}

export type SideStrategy = 'restart' | 'overlap';

/** The last act: two services of different strategies under the same load, whose columns are of the same moments. */
export interface SideBySideDocument {
  title: string;
  as_expected: boolean;
  started_at: string;
  sides: SideDocument[];
}

/** The whole demo as `--json` prints it. */
export interface DemoDocument {
  as_expected: boolean;
  builds: { letter: string; id: string; what: string }[];
  acts: ActDocument[];
  side_by_side: SideBySideDocument;
  boot_ms: number;
  duration_ms: number;
}
