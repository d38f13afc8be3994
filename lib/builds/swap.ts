import { lstatSync, type Stats } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CutoverError, errnoOf, fileError } from '../base/errors.ts';
import { absent, removeIfThere, syncDirectory } from '../base/files.ts';
import { readLinkIfThere, replaceLink } from '../base/links.ts';
import { isTemporaryName } from '../base/temporary-name.ts';
import { makingLink } from './current.ts';
import { currentName, currentPath, isBuildId } from './layout.ts';

/**
 * Points `current` at a build: the one place where the link moves. Relative, and by rename(2), so that a reader
 * finds the old build or the new one and never none. Tells whether the link had to move.
 * @throws `no_build` when there is no such build directory; `refused` when `current` is no link; `permission`, `disk`
 */
export async function swapCurrent(directory: string, build: string): Promise<boolean> {
  verifyBuild(directory, build);
  verifyLinkOrNone(directory);
  const link = currentPath(directory);
  if ((await readLinkIfThere(link)) === build) {
    // A deployer may have been killed between its rename and its fsync.
    await syncDirectory(directory);
    return false;
  }
  await replaceLink(link, build);
  return true;
}

/**
 * Takes `current` away again, as before a first deploy. Nothing happens when there is none.
 * @throws `refused` when it is no link; `permission`
 */
export async function removeCurrent(directory: string): Promise<void> {
  verifyLinkOrNone(directory);
  await removeIfThere(currentPath(directory));
}

/**
 * Removes links that a swap left under a temporary name when it was killed midway, and gives their names.
 * Only for whoever holds the target: the link of a swap in progress looks the same.
 * @throws `permission`
 */
export async function clearTemporaryLinks(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return [];
    throw fileError(error, 'cannot read', directory);
  });
  const names = entries.filter((entry) => entry.isSymbolicLink() && isLeftOver(entry.name)).map(({ name }) => name);
  for (const name of names) await removeIfThere(join(directory, name));
  return names;
}

function isLeftOver(name: string): boolean {
  return isTemporaryName(name) && name.startsWith(`.${currentName}.`);
}

function verifyBuild(directory: string, build: string): void {
  const path = join(directory, build);
  if (isBuildId(build) && factsOf(path)?.isDirectory()) return;
  throw new CutoverError('no_build', `there is no build directory ${path}`, { mend: 'cutover builds' });
}

/** rename(2) of a link replaces a file silently, and fails over a directory only after half the work is done. */
function verifyLinkOrNone(directory: string): void {
  const link = currentPath(directory);
  const facts = factsOf(link);
  if (!facts || facts.isSymbolicLink()) return;
  const kind = facts.isDirectory() ? 'directory' : 'file';
  throw new CutoverError('refused', `${link} is a ${kind}, not a link to a build`, {
    mend: makingLink(directory, { kind, modified: facts.mtime }),
  });
}

/** At once, as the link moves: nobody may serve meanwhile. */
function factsOf(path: string): Stats | null {
  try {
    return lstatSync(path);
  } catch (error) {
    return absent(error, 'cannot read', path);
  }
}
