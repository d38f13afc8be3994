import { mkdir, open, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CutoverError, errnoOf, fileError } from '../base/errors.ts';
import { isThere, makePrivateDirectory, move, syncDirectory } from '../base/files.ts';
import { removeTrees } from '../base/remove.ts';
import { openController } from '../base/wait.ts';
import { type BackupOwner, workName, workPurposes } from './names.ts';

type Purpose = (typeof workPurposes)[number];

/** The folders that are at work, or that dead processes left: for the holder of the target they are the latter. */
export async function listWork(owner: BackupOwner): Promise<{ name: string; path: string }[]> {
  const { backups } = owner.database;
  const folders = workPurposes
    .map((purpose) => workName(owner, purpose))
    .map((name) => ({ name, path: join(backups, name) }));
  const isLeft = await Promise.all(folders.map(({ path }) => isThere(path)));
  return folders.filter((_, at) => isLeft[at]);
}

/** Removes what dead processes left. For the holder of the target only; what cannot be removed, a prune tells of. */
export async function removeLeftWork(owner: BackupOwner): Promise<void> {
  const left = await listWork(owner);
  if (left.length > 0)
    await removeTrees(
      left.map(({ path }) => path),
      openController().signal,
    );
}

/**
 * Does work in a private folder beside the backups, which is gone afterwards; what a dead process left there is removed
 * first. For the holder of the target only.
 * @throws `disk`, `permission`
 */
export async function inWorkFolder<T>(
  owner: BackupOwner,
  purpose: Purpose,
  work: (folder: string) => Promise<T>,
): Promise<T> {
  const { backups } = owner.database;
  const folder = join(backups, workName(owner, purpose));
  const { signal } = openController();
  await makePrivateDirectory(backups);
  await removeTrees([folder], signal);
  await mkdir(folder, { mode: 0o700 }).catch((error: unknown) => {
    if (errnoOf(error) === 'EEXIST')
      throw new CutoverError('permission', `${folder} was left by another user`, { mend: `sudo rm -r ${folder}` });
    throw fileError(error, 'cannot create', folder);
  });
  try {
    return await work(folder);
  } finally {
    await removeTrees([folder], signal);
  }
}

/** Gives a finished file its name, so that it is there whole or not at all, a power cut included. @returns its size */
export async function publish(from: string, to: string): Promise<number> {
  try {
    const file = await open(from, 'r+');
    try {
      await file.chmod(0o600);
      await file.sync();
    } finally {
      await file.close();
    }
    await move(from, to);
    await syncDirectory(dirname(to));
    return (await stat(to)).size;
  } catch (error) {
    throw fileError(error, 'cannot write', to);
  }
}
