import { lstat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CutoverError, errnoOf } from '../../base/errors.ts';
import { makePrivateDirectory, readIfThere, removeIfThere, writeDurably } from '../../base/files.ts';
import { runtimeDirectory } from '../../base/xdg.ts';
import type { StatePaths } from '../../run/state.ts';

type Where = Pick<StatePaths, 'directory'>;

// Each file is there only as long as the one that it stands for cannot be written, so it is the newer of the two.

/** What was kept in memory; null: nothing. */
export async function readSpare(where: Where, root = spareRoot()): Promise<string | null> {
  return (await isOurs(root)) ? readIfThere(sparePath(where, root)) : null;
}

/**
 * Keeps a text in memory, until the machine goes down, where the directory of state cannot be written.
 * @returns the path of the file
 * @throws `permission`, `disk`; `refused` where others may write there
 */
export async function writeSpare(where: Where, text: string, root = spareRoot()): Promise<string> {
  const path = sparePath(where, root);
  await makePrivateDirectory(root);
  if (!(await isOurs(root)))
    throw new CutoverError('refused', `${root} is not ours alone to write to`, { mend: `ls -ld ${root}` });
  await makePrivateDirectory(dirname(path));
  await writeDurably(path, text);
  return path;
}

/** What it stands for can be written again. */
export async function removeSpare(where: Where, root = spareRoot()): Promise<void> {
  await removeIfThere(sparePath(where, root));
}

/** Root keeps to a place of root's own, whatever the environment says. */
function spareRoot(): string {
  return join(process.geteuid?.() === 0 ? '/run' : runtimeDirectory(process.env), 'cutover');
}

/** Nobody else may say what was counted, or lead a write elsewhere. */
async function isOurs(root: string): Promise<boolean> {
  const facts = await lstat(root).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return null;
    throw error;
  });
  return facts !== null && facts.isDirectory() && facts.uid === process.geteuid?.() && (facts.mode & 0o022) === 0;
}

function sparePath({ directory }: Where, root: string): string {
  return join(root, directory, 'monitor.json');
}
