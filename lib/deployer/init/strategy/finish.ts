import type { CutoverError } from '../../../base/errors.ts';
import type { StagedFile } from '../../../base/files.ts';
import type { StrategyName } from '../../../config/model.ts';
import type { Place } from '../../place.ts';
import { initCommand } from '../names.ts';
import { type Proven, writeProof, writeRest } from '../unwritten.ts';
import { strategyIn } from './config-file.ts';
import { bringFiles } from './our-files.ts';
import { type ChangeRecord, clearRecord } from './record.ts';

/** How a service serves by each strategy, in words. */
export const wayOf: Record<StrategyName, string> = {
  restart: 'on a port of its own',
  socket: 'behind a socket unit',
  overlap: 'behind a socket unit with a stand-in',
};

/**
 * Writes down that the service has proven itself by the new strategy. From then on whoever comes after a killed process goes on instead
 * of back.
 * @param proof the record that says so
 * @throws `failed`: it serves so all the same
 */
export async function confirm(place: Place, record: ChangeRecord, proof: StagedFile): Promise<void> {
  await writeProof(provenBy(place, record), proof, () => finish(place, record));
}

/**
 * Writes what is left of a change that was proven.
 * @returns what could not be written: the record stays, so that the next call goes on; null: all of it was
 */
export async function finish(place: Place, record: ChangeRecord): Promise<CutoverError | null> {
  const { paths, target } = place;
  const { config, unit, to: strategy } = record;
  return writeRest(provenBy(place, record), async () => {
    await bringFiles([await strategyIn(config, { unit, target: target.name, strategy })], 'after');
    await clearRecord(paths);
  });
}

function provenBy({ paths }: Place, { unit, to }: ChangeRecord): Proven {
  return { serves: `${unit} serves ${wayOf[to]}`, again: `${initCommand(unit, paths)} --strategy ${to}` };
}
