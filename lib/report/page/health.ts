import type { HealthSample, ShownHealth } from './model.ts';

/** So many samples are kept, and none that is older. */
const mostSamples = 60;
const windowMs = 10 * 60_000;

/** Adds a sample, and lets go of those that are too old. What lies in the future was before a clock that went back. */
export function withSample(samples: readonly HealthSample[], sample: HealthSample): HealthSample[] {
  const nowMs = Date.parse(sample.at);
  const isRecent = ({ at }: HealthSample): boolean => {
    const agoMs = nowMs - Date.parse(at);
    return agoMs >= 0 && agoMs <= windowMs;
  };
  return [...samples.filter(isRecent), sample].slice(-mostSamples);
}

/** What the samples come to. @param samples oldest first */
export function healthOf(samples: readonly HealthSample[], answers: ShownHealth['answers']): ShownHealth {
  const asked = samples.length;
  const failed = samples.filter(({ ok }) => !ok).length;
  const [first, last] = [samples[0], samples.at(-1)];
  return {
    answers,
    samples: [...samples],
    asked,
    failed,
    error_rate: asked === 0 ? null : failed / asked,
    median_ms: medianOf(samples.filter(({ ok }) => ok).map(({ response_ms }) => response_ms)),
    window_ms: first && last ? Date.parse(last.at) - Date.parse(first.at) : 0,
  };
}

function medianOf(values: readonly number[]): number | null {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? null;
}
