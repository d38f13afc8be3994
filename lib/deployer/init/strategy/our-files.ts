import { readdir, rmdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { errnoOf, fileError } from '../../../base/errors.ts';
import { readIfThere, removeIfThere, writeDurably } from '../../../base/files.ts';
import { isTemporaryName } from '../../../base/temporary-name.ts';
import { makeDirectories } from '../files.ts';
import type { OurFile } from './our-units.ts';

/** Brings each file to one of its two texts, in this order; one that says it already is left alone. @throws `permission`, `disk` */
export async function bringFiles(files: readonly OurFile[], side: 'before' | 'after'): Promise<void> {
  for (const file of files) await bringFile(file.path, file[side], file.mode);
}

/** @param text null: the file is to be gone, and a folder that it leaves empty with it */
export async function bringFile(path: string, text: string | null, mode: number): Promise<void> {
  if (text === null) {
    await removeIfThere(path);
    if (path.endsWith('.conf')) await removeEmpty(dirname(path));
    return;
  }
  if ((await readIfThere(path)) === text) return;
  // Another file is put in its place: whoever owned that one can still write it.
  const owner = await stat(path).catch(() => undefined);
  await makeDirectories(dirname(path));
  await writeDurably(path, text, mode, owner);
}

/** Removes what a process that was killed in the middle of writing these files has left beside them. */
export async function clearTemporary(paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    const folder = dirname(path);
    const names = await readdir(folder).catch(() => []);
    const left = names.filter((name) => isTemporaryName(name) && name.startsWith(`.${basename(path)}.`));
    for (const name of left) await removeIfThere(join(folder, name));
  }
}

/** A folder with other people's lines stays. */
async function removeEmpty(path: string): Promise<void> {
  await rmdir(path).catch((error: unknown) => {
    if (!['ENOTEMPTY', 'ENOENT', 'EEXIST'].includes(errnoOf(error) ?? ''))
      throw fileError(error, 'cannot remove', path);
  });
}
