import { lstat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Command } from '../../../base/exec.ts';
import { writeDurably } from '../../../base/files.ts';
import { giveTo, type Owner } from '../../../base/owner.ts';
import { inside, letGoAfter, pinOrMake } from '../../../base/pinned-directory.ts';
import { type FileResult, filesToWrite, modeText, type PlannedFile, writeFiles } from '../files.ts';
import { hookFile } from './hook-file.ts';
import type { Repository } from './repository.ts';

const directoryMode = 0o755;

/**
 * Writes the hook that a push runs; what root writes into another's repository is to be the other's.
 * @param words cutover, as the hook is to call it
 * @throws `refused` where a hook of somebody else is there, or a link in the place of its directory; `permission`, `disk`
 */
export async function writeHook(
  { hooks, owner }: Repository,
  words: Command,
  how: { isDryRun: boolean; onFile: (file: FileResult) => void },
): Promise<FileResult[]> {
  const planned = hookFile(hooks, words);
  const differing = await filesToWrite([planned]);
  const isSame = differing.length === 0 && (await isReady(planned, owner));
  if (how.isDryRun || isSame) return writeFiles([planned], { differing, ...how });
  await write(hooks, planned, owner);
  const file: FileResult = { path: planned.path, status: 'written', mode: modeText(planned.mode) };
  how.onFile(file);
  return [file];
}

/** git leaves a hook out that may not be executed, and says so only to whoever pushes. */
async function isReady({ path, mode }: PlannedFile, owner: Owner): Promise<boolean> {
  const facts = await lstat(path);
  const isGiven = process.geteuid?.() !== 0 || (facts.uid === owner.uid && facts.gid === owner.gid);
  return facts.isFile() && (facts.mode & 0o7777) === mode && isGiven;
}

async function write(hooks: string, { path, text, mode }: PlannedFile, owner: Owner): Promise<void> {
  const { directory, isMade } = await pinOrMake(hooks);
  await letGoAfter(directory, async () => {
    await inside(directory, (at) => writeDurably(join(at, basename(path)), text, mode, owner));
    if (!isMade) return;
    giveTo(owner, directory.file.fd);
    await directory.file.chmod(directoryMode);
    await directory.file.sync();
  });
}
