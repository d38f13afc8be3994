import type { Place } from '../../place.ts';
import { readRecord } from './record.ts';

/**
 * A place with the strategy by which its unit is proven to serve, where that has not come into the configuration yet: by the other one
 * a run would wait for a port that it does not get.
 * @throws `refused` where the record of the change cannot be read
 */
export async function asProven(place: Place): Promise<Place> {
  const { target, paths } = place;
  const record = await readRecord(paths);
  if (record === null || !record.isProven || record.unit !== target.unit) return place;
  return { ...place, target: { ...target, strategy: record.to } };
}
