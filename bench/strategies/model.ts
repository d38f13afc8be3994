import type { Figure } from '../figures.ts';
import type { Machine } from '../model.ts';

export const strategies = ['restart', 'socket', 'overlap'] as const;
export type Strategy = (typeof strategies)[number];
/** What deploys: cutover with one of its strategies, or a script beside it. */
export type Tool = Strategy | 'floor' | 'old script';

/** What a build does: serves, exits when it would be ready, answers 500, or exits soon after it listens. */
export type Mode = 'good' | 'crash' | 'sick' | 'dies';
/** What is done: a deploy of a build, a rollback by hand, or a deploy whose deployer is killed; `quiet` is nothing. */
export type Kind = Mode | 'rollback' | 'killed' | 'quiet';

export const failures = ['refused', 'reset', 'timeout', '5xx', 'other'] as const;
export type Failure = (typeof failures)[number];

/** A request: when it was due (ms since the epoch), how long after that it was over, and what it came to. */
export type Request = [dueMs: number, tookMs: number, result: 'ok' | Failure];

/** What the load tells when it ends. */
export interface LoadReport {
  requests: Request[];
  /** when the generator itself stood still, and for how long */
  stalls: [atMs: number, ms: number][];
}

/** What was measured while one thing was done. */
export interface Run {
  tool: Tool;
  kind: Kind;
  round: number;
  exitCode: number | null;
  /** the deploying command alone; for `killed` until the run was settled */
  ms: number;
  requests: number;
  failed: Record<Failure, number>;
  gapMs: number;
  longestWaitMs: number;
  /** of the load's generator */
  stallMs: number;
  /** the service's own stop and start-up, by its own clock; null where it did not do just one of each */
  ownMs: number | null;
  /** what was not as it should be afterwards */
  problem: string | null;
}

/** All runs of a tool and a kind. */
export interface Row {
  tool: Tool;
  kind: Kind;
  runs: number;
  ms: Figure | null;
  requests: number;
  failed: Record<Failure, number>;
  gapMs: Figure | null;
  /** of all answered requests together */
  p50Ms: number;
  p99Ms: number;
  longestWaitMs: number;
  stallMs: number;
}

export interface LoadFacts {
  rate: number;
  keptConnections: number;
  slowShare: number;
  slowMs: number;
  readyMs: number;
  diesAfterMs: number;
}

export interface Results {
  machine: Machine;
  facts: LoadFacts;
  durationMs: number;
  rows: Row[];
  runs: Run[];
}
