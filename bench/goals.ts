import { figureOf, show } from './figures.ts';
import { appNames, type Results, type Sample } from './model.ts';
import { ratiosOf, samplesOf, turnRatios } from './ratios.ts';

export interface Goal {
  goal: string;
  measured: string;
  isMet: boolean;
}

/** What was promised before it was measured. Ratios are judged by their median, limits by the worst that was seen. */
export function goalsOf({ samples, start }: Results): Goal[] {
  return [
    ...appNames.flatMap((app) => [
      ratioGoal(
        `good deploy, ${app}: at most 2 × the floor`,
        ratiosOf(samples, { app, tool: 'cutover', kind: 'timed' }, ({ ms }) => ms),
        2,
      ),
      differenceGoal(samples, app, 'failed'),
      differenceGoal(samples, app, 'gapMs'),
    ]),
    ...(['fast', 'slow'] as const).flatMap((app) => [
      backGoal(samples, { app, kind: 'crash', limitMs: 1000 }),
      backGoal(samples, { app, kind: 'sick', limitMs: 3000 }),
    ]),
    ratioGoal('`--version`: at most 1.4 × `node -e 0`', turnRatios(start, 'version', 'node'), 1.4),
    ratioGoal('start of `status`, until it asks: at most 2 × `node -e 0`', turnRatios(start, 'asking', 'node'), 2),
    peakGoal(samples),
    leftGoal(samples),
  ];
}

function ratioGoal(goal: string, ratios: number[], limit: number): Goal {
  const figure = figureOf(ratios);
  return { goal, measured: `${show(figure, 2)} ×`, isMet: figure !== null && figure.median <= limit };
}

/** Ratios would divide by a handful of requests: the medians are compared. */
function differenceGoal(samples: readonly Sample[], app: string, key: 'failed' | 'gapMs'): Goal {
  const [floor, cutover] = (['floor', 'cutover'] as const).map((tool) =>
    figureOf(samplesOf(samples, { app, tool, kind: 'good' }).map(({ underLoad }) => underLoad?.[key] ?? Number.NaN)),
  );
  const [what, unit] = key === 'failed' ? ['failed requests', ''] : ['longest gap', ' ms'];
  return {
    goal: `${what}, ${app}: at most the floor's`,
    measured: `${show(cutover ?? null)}${unit}, floor ${show(floor ?? null)}${unit}`,
    isMet: !!floor && !!cutover && cutover.median <= floor.median,
  };
}

function backGoal(
  samples: readonly Sample[],
  { app, kind, limitMs }: { app: string; kind: 'crash' | 'sick'; limitMs: number },
): Goal {
  const times = samplesOf(samples, { app, tool: 'cutover', kind }).map(
    ({ underLoad }) => underLoad?.backAfterFailureMs ?? Number.POSITIVE_INFINITY,
  );
  const figure = figureOf(times);
  const name = kind === 'crash' ? 'crash' : '500';
  return {
    goal: `${name} build, ${app}: the old one serves in less than ${limitMs / 1000} s after the failure`,
    measured: `${show(figure)} ms`,
    isMet: figure !== null && figure.max < limitMs,
  };
}

function peakGoal(samples: readonly Sample[]): Goal {
  const figure = figureOf(samples.flatMap(({ peakBytes }) => (peakBytes === null ? [] : [peakBytes / 1e6])));
  return {
    goal: 'peak memory of a deploy: less than 80 MB',
    measured: `${show(figure, 1)} MB`,
    isMet: figure !== null && figure.max < 80,
  };
}

function leftGoal(samples: readonly Sample[]): Goal {
  const left = samples.filter(({ leftBehind }) => leftBehind.length > 0);
  const measured =
    left.length === 0 ? 'nothing was left' : `left after ${left.length} deploys: ${left[0]?.leftBehind.join(', ')}`;
  return { goal: 'nothing resident after a deploy', measured, isMet: left.length === 0 };
}
