import { figureOf } from '../figures.ts';
import type { Kind, Row, Tool } from './model.ts';
import type { Measured } from './round.ts';
import { noFailures, percentile } from './seen.ts';

/** A row for each tool and kind that was measured, in this order. */
export function rowsOf(measured: readonly Measured[]): Row[] {
  const tools: Tool[] = ['overlap', 'socket', 'restart', 'floor', 'old script'];
  const kinds: Kind[] = ['quiet', 'good', 'rollback', 'crash', 'sick', 'dies', 'killed'];
  return tools.flatMap((tool) => kinds.flatMap((kind) => rowOf(measured, { tool, kind }) ?? []));
}

function rowOf(all: readonly Measured[], { tool, kind }: Pick<Row, 'tool' | 'kind'>): Row | null {
  const mine = all.filter(({ run }) => run.tool === tool && run.kind === kind);
  if (mine.length === 0) return null;
  const runs = mine.map(({ run }) => run);
  const latencies = mine.flatMap(({ latenciesMs }) => latenciesMs);
  const failed = noFailures();
  for (const run of runs)
    for (const name of Object.keys(failed) as (keyof typeof failed)[]) failed[name] += run.failed[name];
  return {
    tool,
    kind,
    runs: runs.length,
    ms: figureOf(runs.map(({ ms }) => ms)),
    requests: runs.reduce((sum, { requests }) => sum + requests, 0),
    failed,
    gapMs: figureOf(runs.map(({ gapMs }) => gapMs)),
    p50Ms: percentile(latencies, 0.5),
    p99Ms: percentile(latencies, 0.99),
    longestWaitMs: Math.max(...runs.map(({ longestWaitMs }) => longestWaitMs)),
    stallMs: Math.max(...runs.map(({ stallMs }) => stallMs)),
  };
}
