import type { CutoverError } from '../../../base/errors.ts';
import { readIfThere, type StagedFile } from '../../../base/files.ts';
import type { Place } from '../../place.ts';
import { initCommand } from '../names.ts';
import type { ConfigText } from '../strategy/config-file.ts';
import { bringFiles } from '../strategy/our-files.ts';
import { type Proven, writeProof, writeRest } from '../unwritten.ts';
import { type Adoption, clearAdoption, readAdoption, wayOf, writeAdopted } from './record.ts';

/**
 * Writes down that the service has proven itself where it is. From then on whoever comes after a killed process goes on instead of back.
 * @param proof the record that says so
 * @throws `failed`: it serves there all the same
 */
export async function confirm(place: Place, adoption: Adoption, proof: StagedFile): Promise<void> {
  await writeProof(provenBy(place, adoption), proof, () => finish(place, adoption));
}

/**
 * Writes what is left of a move that was proven.
 * @returns what could not be written: the record stays, so that the next call goes on; null: all of it was
 */
export async function finish(place: Place, adoption: Adoption): Promise<CutoverError | null> {
  const { paths } = place;
  const { unit, source, builds, build, shared, lines, config, to } = adoption;
  return writeRest(provenBy(place, adoption), async () => {
    await writeAdopted(paths, to === 'builds' ? { unit, source, builds, build, shared, lines } : null);
    // What somebody has written there since is theirs.
    if (config && (await readIfThere(config.path)) === config.before) await bringFiles([config], 'after');
    await clearAdoption(paths);
  });
}

/**
 * Tells of a configuration that somebody else has written where ours was to be: it stays.
 * @returns what is to be added there by hand; null: ours is there, or was not to be written
 */
export async function notWritten({ config }: Adoption, { refuse }: ConfigText): Promise<string | null> {
  const there = config && (await readIfThere(config.path));
  const why = there === null || there === config?.after ? null : await refuse?.(there);
  return why ? `${why.message} -> ${why.mend}` : null;
}

/** A move that was proven is not done as long as what is left of it cannot be written. @throws `failed` */
export async function requireWritten(place: Place): Promise<void> {
  const left = await readAdoption(place.paths);
  const lacking = left && (await finish(place, left));
  if (lacking) throw lacking;
}

function provenBy({ paths }: Place, adoption: Adoption): Proven {
  const { unit, to } = adoption;
  const again = `${initCommand(unit, paths)} --adopt${to === 'builds' ? '' : ' --undo'}`;
  return { serves: `${unit} serves from ${wayOf(adoption, to)}`, again };
}
