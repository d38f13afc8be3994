import { stat } from 'node:fs/promises';
import { isCutoverError } from '../../../base/errors.ts';
import { loadConfig } from '../../../config/load.ts';
import type { Config, StrategyName } from '../../../config/model.ts';
import type { Place } from '../../place.ts';
import { readRecord } from './record.ts';

/**
 * A place with the strategy by which its unit is proven to serve, where that has not come into the configuration yet: by the other one
 * a run would wait for a port that it does not get.
 * @throws `refused` where the record of the change cannot be read
 */
export async function asProven<Known extends Pick<Place, 'target' | 'paths'>>(place: Known): Promise<Known> {
  const { target, paths } = place;
  const record = await readRecord(paths);
  if (record === null || !record.isProven || record.unit !== target.unit) return place;
  return { ...place, target: { ...target, strategy: record.to } };
}

/**
 * The same for who holds the target by now: whoever held it before may have changed the strategy, and written it down.
 * @throws `refused` where the record of the change cannot be read
 */
export async function asItServes(place: Place): Promise<Place> {
  const strategy = await strategyInFile(place);
  return asProven({ ...place, target: { ...place.target, strategy } });
}

/** A file that was not changed since this process began says what was read of it. */
async function strategyInFile({ config: { file }, target }: Place): Promise<StrategyName> {
  const facts = file === null ? null : await stat(file).catch(() => null);
  if (file === null || facts === null || facts.ctimeMs < performance.timeOrigin) return target.strategy;
  const now = (await loadConfig(file).catch(unlessWrong))?.targets[target.name];
  return now?.unit === target.unit ? now.strategy : target.strategy;
}

/** Nobody is kept from a rollback by a file that somebody is at work on. */
function unlessWrong(error: unknown): Config | null {
  if (!isCutoverError(error, 'config')) throw error;
  return null;
}
