import type { CutoverError } from '../../../base/errors.ts';
import { readIfThere, type StagedFile } from '../../../base/files.ts';
import type { StrategyName } from '../../../config/model.ts';
import type { Place } from '../../place.ts';
import { unproven, unwritten } from '../unwritten.ts';
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
export async function confirm({ paths }: Place, record: ChangeRecord, proof: StagedFile): Promise<void> {
  await proof.commit().catch((error: unknown) => {
    throw unproven(serving(record), error, again(record));
  });
  try {
    await bringFiles([record.config], 'after');
    await clearRecord(paths);
  } catch (error) {
    throw unwritten(serving(record), error, again(record));
  }
}

/**
 * Writes what is left of a change that was proven, and cut off after that.
 * @returns what could not be written: the record stays, so that the next call goes on; null: all of it was
 */
export async function finish({ paths }: Place, record: ChangeRecord): Promise<CutoverError | null> {
  const { config } = record;
  try {
    // What somebody has written there since is theirs.
    if ((await readIfThere(config.path)) === config.before) await bringFiles([config], 'after');
    await clearRecord(paths);
    return null;
  } catch (error) {
    return unwritten(serving(record), error, again(record));
  }
}

function serving({ unit, to }: ChangeRecord): string {
  return `${unit} serves ${wayOf[to]}`;
}

function again({ unit, to }: ChangeRecord): string {
  return `cutover init ${unit} --strategy ${to}`;
}
