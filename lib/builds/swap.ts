import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CutoverError, errnoOf, fileError } from '../base/errors.ts';
import { removeIfThere, syncDirectory } from '../base/files.ts';
import { readLinkIfThere, replaceLink } from '../base/links.ts';
import { isTemporaryName } from '../base/temporary-name.ts';
import { currentName, currentPath, isBuildId, stampOf } from './layout.ts';

/** What was seen before a swap: there is such a build, and `current` is a link or not there. */
export interface ReadySwap {
  /** where the link points; null: there is none */
  from: string | null;
  /** when that was seen (`performance.now()`) */
  atMs: number;
}

/**
 * Looks at all that a swap needs, and changes nothing: it may be done while the port is still open.
 * @throws as `swapCurrent`, except `disk`
 */
export async function prepareSwap(directory: string, build: string): Promise<ReadySwap> {
  const atMs = performance.now();
  const looks = [verifyBuild(directory, build), verifyLinkOrNone(directory)];
  const linked = readLinkIfThere(currentPath(directory));
  // What is wrong with the build is told first, and nothing fails twice.
  for (const asked of [...looks, linked]) asked.catch(() => {});
  for (const asked of looks) await asked;
  return { from: await linked, atMs };
}

/**
 * Points `current` at a build: the one place where the link moves. Relative, and by rename(2), so that a reader
 * finds the old build or the new one and never none. Tells whether the link had to move.
 * @param ready what was seen for it just before
 * @throws `no_build` when there is no such build directory; `refused` when `current` is no link; `permission`, `disk`
 */
export async function swapCurrent(directory: string, build: string, ready?: ReadySwap): Promise<boolean> {
  const { from } = ready ?? (await prepareSwap(directory, build));
  if (from === build) {
    // A deployer may have been killed between its rename and its fsync.
    await syncDirectory(directory);
    return false;
  }
  await replaceLink(currentPath(directory), build);
  return true;
}

/**
 * Takes `current` away again, as before a first deploy. Nothing happens when there is none.
 * @throws `refused` when it is no link; `permission`
 */
export async function removeCurrent(directory: string): Promise<void> {
  await verifyLinkOrNone(directory);
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

async function verifyBuild(directory: string, build: string): Promise<void> {
  const path = join(directory, build);
  if (isBuildId(build) && (await factsOf(path))?.isDirectory()) return;
  throw new CutoverError('no_build', `there is no build directory ${path}`, { mend: 'cutover builds' });
}

/** rename(2) of a link replaces a file silently, and fails over a directory only after half the work is done. */
async function verifyLinkOrNone(directory: string): Promise<void> {
  const link = currentPath(directory);
  const facts = await factsOf(link);
  if (!facts || facts.isSymbolicLink()) return;
  if (!facts.isDirectory()) {
    throw new CutoverError('refused', `${link} is a file, not a link`, { mend: `mv ${link} ${link}.saved` });
  }
  const build = `dist.${stampOf(facts.mtime)}`;
  throw new CutoverError('refused', `${link} is a directory, not a link to a build`, {
    mend: `mv ${link} ${join(directory, build)} && ln -s ${build} ${link}`,
  });
}

async function factsOf(path: string) {
  return lstat(path).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return null;
    throw fileError(error, 'cannot read', path);
  });
}
