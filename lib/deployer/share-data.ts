import { join } from 'node:path';
import { isCutoverError, messageOf } from '../base/errors.ts';
import { inspectBuild } from '../builds/inspect.ts';
import { linkShared, type Sharing, type SharedLink } from '../builds/sharing.ts';
import { sharingOf } from './init/adopt/record.ts';
import type { Place } from './place.ts';

/** A place whose state may be out of sight, or not be known. */
type Sought = Pick<Place, 'target'> & Partial<Pick<Place, 'paths'>>;

/**
 * What builds share, for who works with a build and may be somebody else than who deploys it: a deploy makes the links, too.
 * @returns null: nothing, or not to be seen
 */
export async function sharingInSight({ target, paths }: Sought): Promise<Sharing | null> {
  if (paths === undefined) return null;
  return sharingOf(paths, target).catch((error: unknown) => {
    if (isCutoverError(error, 'permission')) return null;
    throw error;
  });
}

/**
 * Gives a build the links to what builds share, whoever made it. One that cannot be deployed is left as it is.
 * @returns those in whose place it has something of its own
 * @throws `permission`, `disk`, `failed`; the signal's reason when aborted
 */
export async function shareData(
  { target, signal }: Pick<Place, 'target' | 'signal'>,
  { build, sharing }: { build: string | null; sharing: Sharing | null },
): Promise<SharedLink[]> {
  if (build === null || sharing === null) return [];
  const { broken } = await inspectBuild(target.builds, build);
  return broken ? [] : linkShared(join(target.builds, build), sharing, signal);
}

/** The same for a way back, which nothing of this may stop: what is wrong is told. */
export async function shareDataAnyhow(place: Place, build: string): Promise<void> {
  const { paths, target, signal, emit } = place;
  try {
    const taken = await shareData(place, { build, sharing: await sharingOf(paths, target) });
    for (const message of taken.map(takenNote(build))) emit({ type: 'note', message });
  } catch (error) {
    signal.throwIfAborted();
    emit({ type: 'note', message: `${build} may lack its links to what builds share: ${messageOf(error)}` });
  }
}

/** What is to be said of a build that has data of its own. */
export function takenNote(build: string): (link: SharedLink) => string {
  return ({ taken, name, path }) =>
    `${build} has ${taken} of its own in the place of a link ${name === taken ? '' : `${name} `}to ${path}, which builds share`;
}
