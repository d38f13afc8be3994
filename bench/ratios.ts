import type { Sample, Turns } from './model.ts';

type Wanted = Pick<Sample, 'app' | 'tool' | 'kind'>;

export function samplesOf(samples: readonly Sample[], { app, tool, kind }: Wanted): Sample[] {
  return samples.filter((sample) => sample.app === app && sample.tool === tool && sample.kind === kind);
}

type Value = (sample: Sample) => number;

/** Each round's value over the floor's of the same round, so that what slows the machine down slows both. */
export function ratiosOf(samples: readonly Sample[], wanted: Wanted, value: Value): number[] {
  return besideFloor(samples, wanted, value).map(([own, floor]) => own / floor);
}

/** How much more each round's value is than the floor's of the same round. */
export function differencesOf(samples: readonly Sample[], wanted: Wanted, value: Value): number[] {
  return besideFloor(samples, wanted, value).map(([own, floor]) => own - floor);
}

function besideFloor(samples: readonly Sample[], wanted: Wanted, value: Value): [own: number, floor: number][] {
  const floors = samplesOf(samples, { ...wanted, tool: 'floor' });
  return samplesOf(samples, wanted).flatMap((sample): [number, number][] => {
    const floor = floors.find(({ round }) => round === sample.round);
    return floor ? [[value(sample), value(floor)]] : [];
  });
}

/** The same for commands that took turns. */
export function turnRatios(turns: Turns, name: string, base: string): number[] {
  return (turns[name] ?? []).map((value, turn) => value / (turns[base]?.[turn] ?? Number.NaN));
}
