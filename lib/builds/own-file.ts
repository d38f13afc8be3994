import { errnoOf, fileError } from '../base/errors.ts';
import { readRegularFile, UnfitFile } from '../base/regular-file.ts';

/**
 * The text of a file that `cutover add` put into a build, or null where there is none. A build may belong to its service, which then
 * may put anything in the place of what is ours: a pipe, a link to what never ends.
 * @param damaged the error for what is not fit to be read, from what it is
 * @throws that error; `permission`
 */
export async function readOwnFile(
  path: string,
  { mostBytes, damaged }: { mostBytes: number; damaged: (what: string, cause: unknown) => Error },
): Promise<string | null> {
  return readRegularFile(path, { isLinkFollowed: false, mostBytes }).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return null;
    throw error instanceof UnfitFile ? damaged(error.what, error) : fileError(error, 'cannot read', path);
  });
}
