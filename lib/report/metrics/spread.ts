import { type Spread, spreadBoundsMs } from '../../run/tally.ts';
import type { Sample } from './exposition.ts';

/** The samples of a histogram, in seconds: each bucket counts all values up to its bound. */
export function samplesOfSpread(spread: Spread, labels: Sample['labels']): Sample[] {
  let count = 0;
  const buckets = spreadBoundsMs.map((bound, at): Sample => {
    count += spread.within[at] ?? 0;
    return { suffix: '_bucket', labels: { ...labels, le: String(bound / 1_000) }, value: count };
  });
  return [
    ...buckets,
    { suffix: '_bucket', labels: { ...labels, le: '+Inf' }, value: spread.count },
    { suffix: '_sum', labels, value: spread.sum_ms / 1_000 },
    { suffix: '_count', labels, value: spread.count },
  ];
}
