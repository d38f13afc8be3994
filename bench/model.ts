/** `heavy` is `fast` in a build that weighs what a bundled program does. */
export const appNames = ['fast', 'heavy', 'slow'] as const;
export type AppName = (typeof appNames)[number];

/** A service under measurement: ready so long after its exec. */
export interface BenchApp {
  name: AppName;
  readyMs: number;
  /** a folder that each of its builds carries as well, and that the service itself has no use for */
  ballast: string | null;
  port: number;
  unit: string;
  builds: string;
}

/** What a build does: serves, exits when it would be ready, or answers 500. */
export type Mode = 'good' | 'crash' | 'sick';

export const toolNames = ['floor', 'cutover', 'old script'] as const;
export type ToolName = (typeof toolNames)[number];

/** One deploy that was measured. */
export interface Sample {
  round: number;
  app: string;
  tool: ToolName;
  /** `timed`: a good build, nothing else going on; the others are under load */
  kind: 'timed' | 'good' | 'crash' | 'sick';
  exitCode: number | null;
  ms: number;
  underLoad: null | {
    sent: number;
    failed: number;
    gapMs: number;
    /** from the bad build's failure (its exit, or its first 500) until the old build answers; null: it did not */
    backAfterFailureMs: number | null;
    backAfterBeginMs: number | null;
  };
  /** of the deployer; measured for cutover only */
  peakBytes: number | null;
  /** what of the deployer was still there afterwards */
  leftBehind: string[];
}

export interface Machine {
  cores: number;
  memoryGiB: number;
  kernel: string;
  node: string;
  systemd: string;
  /** the load average before the first round: what else the machine was doing */
  loadBefore: number;
}

/** How long each command took, one value a turn; the commands take turns. */
export type Turns = Record<string, number[]>;

export interface Results {
  machine: Machine;
  rounds: number;
  rate: number;
  samples: Sample[];
  start: Turns;
  listing: Turns;
  targets: Turns;
}
