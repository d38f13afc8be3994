import { createHash } from 'node:crypto';
import { open, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { userDirectory } from '../../../base/xdg.ts';
import { CutoverError, errnoOf, fileError } from '../../../base/errors.ts';
import { isThere, makePrivateDirectory, readIfThere, removeIfThere, writeDurably } from '../../../base/files.ts';
import { lockDescriptor } from '../../../base/flock.ts';
import type { ManagerKind } from '../../../config/model.ts';
import type { Surroundings } from '../places.ts';
import type { DeployingAccount } from '../polkit.ts';

/** What `init --install` has put on this machine. A configuration is named by its file. */
export interface InstallRecord {
  /** by path: the sums of the texts that are ours, and the configurations that need the file */
  files: Record<string, { digests: string[]; for: string[] }>;
  /** by name: the configurations that need the unit enabled */
  units: Record<string, string[]>;
  /** made for the files, outermost first */
  folders: string[];
  /** whom the rule of a configuration is for */
  grants: Record<string, DeployingAccount>;
}

const waitMs = 30_000;

/** One record for all configurations of a manager, since they share files: whatever `state` they name. */
export function recordPath(manager: ManagerKind, { env }: Surroundings): string {
  if (manager === 'system') return '/var/lib/cutover/installed.json';
  return join(userDirectory('XDG_STATE_HOME', env), 'cutover/installed.json');
}

/** @returns an empty record where there is none @throws `refused` when it cannot be read */
export async function readInstalled(path: string): Promise<InstallRecord> {
  const text = await readIfThere(path);
  if (text === null) return { files: {}, units: {}, folders: [], grants: {} };
  try {
    return JSON.parse(text) as InstallRecord;
  } catch (error) {
    throw new CutoverError('refused', `${path} cannot be read: it tells what cutover has put on this machine`, {
      mend: `mv ${path} ${path}.saved, then: cutover init --install`,
      cause: error,
    });
  }
}

/** Writes the record; one that names nothing is removed. @throws `permission`, `disk` */
export async function writeInstalled(path: string, record: InstallRecord): Promise<void> {
  const isEmpty = Object.keys(record.files).length === 0 && Object.keys(record.units).length === 0;
  if (!isEmpty) return writeDurably(path, `${JSON.stringify(record, null, 1)}\n`);
  await removeIfThere(path);
}

/** Does work while no other process changes what is installed. @throws `locked`, `permission`, `disk` */
export async function whileInstalling<T>(path: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  const folder = dirname(path);
  await makePrivateDirectory(folder);
  // The directory itself: a file for it would be one more to take back.
  const handle = await open(folder, 'r');
  try {
    if (!(await lockDescriptor(handle.fd, { waitMs, signal }))) {
      throw new CutoverError('locked', 'another `cutover init` is at work', { mend: 'wait for its end, and again' });
    }
    return await work();
  } finally {
    await handle.close();
  }
}

/** The folders that have to be made before a file can be written, outermost first. */
export async function missingFolders(paths: readonly string[]): Promise<string[]> {
  const missing = new Set<string>();
  for (const path of paths) {
    for (let at = dirname(path); at !== dirname(at) && !(await isThere(at)); at = dirname(at)) missing.add(at);
  }
  return [...missing].toSorted();
}

/** Removes those folders of ours that hold nothing any more. @returns those that stay */
export async function removeFolders(folders: readonly string[]): Promise<string[]> {
  const staying: string[] = [];
  for (const folder of folders.toReversed()) if (!(await isRemoved(folder))) staying.unshift(folder);
  return staying;
}

/** The sum by which a text of ours is known again. */
export function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

async function isRemoved(folder: string): Promise<boolean> {
  return rmdir(folder).then(
    () => true,
    (error: unknown) => {
      const errno = errnoOf(error) ?? '';
      if (errno === 'ENOENT') return true;
      if (['ENOTEMPTY', 'EEXIST', 'EBUSY', 'ENOTDIR'].includes(errno)) return false;
      throw fileError(error, 'cannot remove', folder);
    },
  );
}
