import { join } from 'node:path';
import { CutoverError, isCutoverError } from '../base/errors.ts';
import { compareBuild, type Difference } from '../builds/compare.ts';
import { currentBuild } from '../builds/current.ts';
import { resolveBuild } from '../builds/list.ts';
import type { Place } from './place.ts';
import { sharingInSight } from './share-data.ts';

/** How a build compares with its manifest, as `--json` prints it. */
export interface VerifyReport {
  target: string;
  build: string;
  same: boolean;
  changed: { path: string; what: Difference[] }[];
  missing: string[];
  new: string[];
  /** files compared byte by byte */
  files: number;
}

/**
 * Compares a build with what was taken in, byte by byte.
 * @param name the build; the one in service when none is named
 * @throws `no_build` for a build that is none, or that nothing is known of; `permission`; the signal's reason when aborted
 */
export async function verify(
  { target, paths, signal }: Pick<Place, 'target' | 'paths' | 'signal'>,
  name: string | undefined,
): Promise<VerifyReport> {
  const build = name === undefined ? await requireCurrent(target) : await resolveBuild(target.builds, name);
  const sharing = await sharingInSight({ target, paths });
  const { changed, missing, added, files } = await compareBuild(join(target.builds, build), signal, sharing).catch(
    (error: unknown) => {
      // Said of a build in a list; here its name has to come first.
      if (!isCutoverError(error, 'no_build')) throw error;
      throw new CutoverError('no_build', `the build ${build} ${error.message}`, { mend: error.mend, cause: error });
    },
  );
  const same = changed.length + missing.length + added.length === 0;
  return { target: target.name, build, same, changed, missing, new: added, files };
}

async function requireCurrent(target: Place['target']): Promise<string> {
  const current = await currentBuild(target.builds);
  if (current) return current;
  throw new CutoverError('no_build', `current of ${target.name} leads to no build`, {
    mend: `cutover verify ${target.name} BUILD`,
  });
}
