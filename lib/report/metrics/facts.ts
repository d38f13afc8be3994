import type { Outcome } from '../../run/document.ts';
import type { RunKind } from '../../run/inputs.ts';
import type { Tally } from '../../run/tally.ts';

/** How a target is at this moment. */
export interface PresentFacts {
  healthy: boolean;
  active: boolean;
  /** by systemd itself, since the unit was started by somebody last */
  restarts: number;
  /** null: systemd does not measure it */
  memoryBytes: number | null;
  /** milliseconds since 1970; null: never */
  changedMs: number | null;
  /** what the unit's process runs from; null: no build */
  build: string | null;
  revision: string | null;
  branch: string | null;
  /** whether a run has begun and not ended: it is at work, or was cut off */
  isInFlight: boolean;
}

/** Room on the file system of a path. */
export interface DiskFacts {
  path: string;
  sizeBytes: number;
  /** as far as others than root may use it */
  availableBytes: number;
}

/** All that the metrics of a target are made from. */
export interface TargetFacts {
  app: string;
  target: string;
  unit: string;
  strategy: string;
  version: string;
  tally: Tally;
  lastRun: { kind: RunKind; outcome: Outcome } | null;
  /** null: systemd could not be asked */
  present: PresentFacts | null;
  disks: readonly DiskFacts[];
  builds: { there: number; quarantined: number } | null;
}
