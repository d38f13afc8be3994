import { lstat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { CutoverError } from '../../../base/errors.ts';
import type { Command } from '../../../base/exec.ts';
import { move } from '../../../base/files.ts';
import {
  inside,
  letGoAfter,
  makeBelow,
  pinDirectory,
  type PinnedDirectory,
  pinOrMake,
} from '../../../base/pinned-directory.ts';
import { openController } from '../../../base/wait.ts';
import { removeCurrent, swapCurrent } from '../../../builds/swap.ts';
import { removeFolders } from '../install/record.ts';
import { copyTree, giveLike, pinSource } from './copy-tree.ts';
import { runOn } from './on-directories.ts';

export interface Copying {
  source: string;
  builds: string;
  build: string;
  /** absolute, below `source`: links lead there from the copy */
  shared: readonly string[];
  signal: AbortSignal;
}

/**
 * Makes the first build from a directory, and `current`: owners, modes, times and links as they are, by cp(1). It gets its name
 * when it is whole and on the disk. What comes in beside it is left alone. What a copy that failed has left is for `removeCopy`.
 * @throws `permission`, `disk`, `failed`, `refused`; the signal's reason when aborted
 */
export async function copyIn(copying: Copying): Promise<void> {
  const from = await pinSource(copying.source);
  await letGoAfter(from, async () => {
    const { directory, isMade } = await pinOrMake(copying.builds);
    await letGoAfter(directory, async () => {
      await makeBuild(from, directory, copying);
      // Last of all: from here on the service's user may put there whatever it likes.
      if (isMade) await giveLike(from, directory);
      await directory.file.sync();
    });
  });
}

async function makeBuild(
  from: PinnedDirectory,
  builds: PinnedDirectory,
  { build, shared, signal }: Copying,
): Promise<void> {
  const copy = await makeBelow(builds, unnamed(build));
  await letGoAfter(copy, async () => {
    await copyTree(from, copy, { shared, signal });
    await runOn({ doing: 'the copy', directories: [copy], command: syncing, signal });
    await giveLike(from, copy);
    await copy.file.sync();
    signal.throwIfAborted();
    await inside(builds, (path) => move(join(path, unnamed(build)), join(path, build)));
    await requireSame(copy, builds, build);
  });
  await inside(builds, (path) => swapCurrent(path, build));
}

/** Where the builds directory was there before, and is somebody else's, that one may have put another in the place of the copy. */
async function requireSame({ file }: PinnedDirectory, builds: PinnedDirectory, build: string): Promise<void> {
  const [own, there] = await Promise.all([file.stat(), lstat(join(builds.path, build)).catch(() => null)]);
  if (there?.ino === own.ino && there.dev === own.dev) return;
  const what = `somebody else has put something in the place of ${join(builds.name, build)}`;
  throw new CutoverError('refused', what, { mend: `ls -la ${builds.name}` });
}

/** Takes away what `copyIn` has put there, whatever of it there is; other builds stay. @throws `permission`, `failed`, `refused` */
export async function removeCopy({ builds, build }: Pick<Copying, 'builds' | 'build'>): Promise<void> {
  const directory = await pinDirectory(builds);
  if (directory === null) return;
  const removing = ['rm', '-rf', '--one-file-system', '--'] as const;
  await letGoAfter(directory, async () => {
    await inside(directory, removeCurrent);
    await runOn({
      doing: 'the removal',
      directories: [directory],
      command: (path = '') => [...removing, join(path, build), join(path, unnamed(build))],
      signal: openController().signal,
    });
    await directory.file.sync();
  });
}

/** Removes those of the folders that were made for the builds which hold nothing. @throws `permission`, `refused` */
export async function removeMade(folders: readonly string[]): Promise<void> {
  for (const folder of folders.toReversed()) {
    const parent = await pinDirectory(dirname(folder));
    if (parent === null) continue;
    const name = basename(folder);
    await letGoAfter(parent, () => inside(parent, (path) => removeFolders([join(path, name)])));
  }
}

function syncing(path = ''): Command {
  return ['sync', '--file-system', path];
}

/** What the copy is called until it is whole: no name of a build. */
function unnamed(build: string): string {
  return `.${build}.copy`;
}
