import type { Sample, Turns } from './model.ts';

type Wanted = Pick<Sample, 'app' | 'tool' | 'kind'>;

export function samplesOf(samples: readonly Sample[], { app, tool, kind }: Wanted): Sample[] {
  return samples.filter((sample) => sample.app === app && sample.tool === tool && sample.kind === kind);
}

/** Each round's value over the floor's of the same round, so that what slows the machine down slows both. */
export function ratiosOf(samples: readonly Sample[], wanted: Wanted, value: (sample: Sample) => number): number[] {
  const floor = samplesOf(samples, { ...wanted, tool: 'floor' });
  return samplesOf(samples, wanted).flatMap((sample) => {
    const base = floor.find(({ round }) => round === sample.round);
    return base ? [value(sample) / value(base)] : [];
  });
}

/** The same for commands that took turns. */
export function turnRatios(turns: Turns, name: string, base: string): number[] {
  return (turns[name] ?? []).map((value, turn) => value / (turns[base]?.[turn] ?? Number.NaN));
}
