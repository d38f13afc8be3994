import { figureOf, show } from '../figures.ts';
import type { Goal } from '../goals.ts';
import type { Kind, Results, Row, Run, Tool } from './model.ts';
import { sumOf } from './seen.ts';

/** What a `restart` may take beside the app's own stop and start-up. */
const allowanceMs = 50;

/** What was promised before it was measured. Each is judged by the worst that was seen, not by a median. */
export function goalsOf({ rows, runs }: Pick<Results, 'rows' | 'runs'>): Goal[] {
  return [
    ...(['overlap', 'socket'] as const).flatMap((tool) => [
      failedGoal(rows, { tool, kinds: ['good', 'rollback'], what: 'good builds and rollbacks' }),
      failedGoal(rows, { tool, kinds: ['crash'], what: 'bad builds that fail before they serve' }),
      failedGoal(rows, { tool, kinds: ['killed'], what: 'deployer killed, run settled by systemd' }),
    ]),
    gapGoal(rows, { kinds: ['good', 'rollback'], what: 'good builds and rollbacks' }),
    gapGoal(rows, { kinds: ['crash'], what: 'bad builds that fail before they serve' }),
    noiseGoal(rows),
    ownTimeGoal(runs),
    backGoal(runs),
  ];
}

interface Wanted {
  kinds: readonly Kind[];
  what: string;
}

function failedGoal(rows: readonly Row[], { tool, kinds, what }: Wanted & { tool: Tool }): Goal {
  const mine = rows.filter((row) => row.tool === tool && kinds.includes(row.kind));
  const [failed, requests, deploys] = [
    mine.reduce((sum, row) => sum + sumOf(row.failed), 0),
    mine.reduce((sum, row) => sum + row.requests, 0),
    mine.reduce((sum, row) => sum + row.runs, 0),
  ];
  return {
    goal: `\`${tool}\`, ${what}: no failed request`,
    measured: `${failed} of ${requests} in ${deploys} runs`,
    isMet: deploys > 0 && failed === 0,
  };
}

/** One request in twenty is slow by itself, so the normal p99 is about what such a one takes. */
function gapGoal(rows: readonly Row[], { kinds, what }: Wanted): Goal {
  const normal = rows.find(({ tool, kind }) => tool === 'overlap' && kind === 'quiet')?.p99Ms ?? Number.NaN;
  const most = worstGap(rows, kinds);
  return {
    goal: `\`overlap\`, ${what}: no gap between answers above the normal p99 of a request`,
    measured: `longest gap ${most.toFixed(1)} ms, normal p99 ${normal.toFixed(1)} ms`,
    isMet: most <= normal,
  };
}

/** The stricter question: can the deploys be told from nothing at all? Half as much again is what two quiet times differ by. */
function noiseGoal(rows: readonly Row[]): Goal {
  const [gap, floor] = [worstGap(rows, ['good']), worstGap(rows, ['quiet'])];
  return {
    goal: '`overlap`, good builds: the longest gap is at most 1.5 × that of the quiet stretches of the same length',
    measured: `${gap.toFixed(1)} ms, quiet ${floor.toFixed(1)} ms: ${(gap / floor).toFixed(2)} ×`,
    isMet: gap <= 1.5 * floor,
  };
}

function worstGap(rows: readonly Row[], kinds: readonly Kind[]): number {
  const mine = rows.filter(({ tool, kind }) => tool === 'overlap' && kinds.includes(kind));
  return mine.length === 0 ? Number.NaN : Math.max(...mine.map(({ gapMs }) => gapMs?.max ?? Number.NaN));
}

function ownTimeGoal(runs: readonly Run[]): Goal {
  const mine = runs.filter(({ tool, kind }) => tool === 'restart' && (kind === 'good' || kind === 'rollback'));
  const timed = mine.flatMap(({ gapMs, ownMs }) => (ownMs === null ? [] : [{ gapMs, ownMs, overMs: gapMs - ownMs }]));
  const [over, own, gap] = (['overMs', 'ownMs', 'gapMs'] as const).map((key) => figureOf(timed.map((run) => run[key])));
  return {
    goal: `\`restart\`, good builds and rollbacks: the gap is at most the app's own stop and start-up, and ${allowanceMs} ms`,
    measured: `gap ${show(gap ?? null)} ms, own ${show(own ?? null)} ms, difference ${show(over ?? null)} ms`,
    isMet: !!over && timed.length === mine.length && over.max <= allowanceMs,
  };
}

function backGoal(runs: readonly Run[]): Goal {
  const problems = runs.filter(({ problem }) => problem !== null);
  return {
    goal: 'every run ended as it should: the right build serves, is current, and the exit code says so',
    measured: problems.length === 0 ? 'all did' : `${problems.length} did not`,
    isMet: problems.length === 0,
  };
}
