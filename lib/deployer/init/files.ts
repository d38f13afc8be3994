import { constants } from 'node:fs';
import { access, mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { CutoverError, errnoOf, fileError, isCutoverError } from '../../base/errors.ts';
import { readIfThere, stageDurably, type StagedFile, syncDirectory } from '../../base/files.ts';

/** A file that is to be there in the end. */
export interface PlannedFile {
  path: string;
  text: string;
  /** permission bits */
  mode: number;
  /** Why another text at this path may not be replaced; null: it may. */
  refuse: (existing: string) => Promise<CutoverError | null>;
}

/** What became of a file, as `--json` prints it. */
export interface FileResult {
  path: string;
  status: 'written' | 'removed' | 'unchanged' | 'kept' | 'would write' | 'would remove';
  /** permission bits as chmod takes them */
  mode: string;
  /** in a dry run, and of a file that is kept: what the file would say */
  content?: string;
}

/**
 * Finds out what has to be written, before the first of it is.
 * @returns the files that are missing or say something else
 * @throws `permission`; what a file's own `refuse` gives
 */
export async function filesToWrite(planned: readonly PlannedFile[]): Promise<PlannedFile[]> {
  const differing: PlannedFile[] = [];
  for (const file of planned) {
    const existing = await readExisting(file.path);
    if (existing === file.text) continue;
    const refusal = existing === null ? null : await file.refuse(existing);
    if (refusal) throw refusal;
    differing.push(file);
  }
  for (const { path } of differing) await requireWritable(path);
  return differing;
}

/**
 * Writes files that are missing or say something else: all of them, or none where the disk has no room; each is whole or as
 * before at every instant.
 * @param onFile called with each file once it is done
 * @throws `permission`, `disk`
 */
export async function writeFiles(
  planned: readonly PlannedFile[],
  {
    differing,
    isDryRun,
    onFile,
  }: { differing: readonly PlannedFile[]; isDryRun: boolean; onFile: (file: FileResult) => void },
): Promise<FileResult[]> {
  const staged = isDryRun
    ? new Map<PlannedFile, StagedFile>()
    : await stageFiles(planned.filter((file) => differing.includes(file)));
  const results: FileResult[] = [];
  for (const file of planned) {
    const { path, text, mode } = file;
    const isSame = !differing.includes(file);
    await staged.get(file)?.commit();
    const status = isSame ? 'unchanged' : isDryRun ? 'would write' : 'written';
    const bits = isSame ? (await stat(path)).mode & 0o7777 : mode;
    const result: FileResult = { path, status, mode: modeText(bits), ...(isDryRun ? { content: text } : {}) };
    onFile(result);
    results.push(result);
  }
  return results;
}

async function stageFiles(files: readonly PlannedFile[]): Promise<Map<PlannedFile, StagedFile>> {
  const staged = new Map<PlannedFile, StagedFile>();
  try {
    for (const file of files) staged.set(file, await stage(file));
  } catch (error) {
    for (const one of staged.values()) await one.discard().catch(() => {});
    throw error;
  }
  return staged;
}

/** The refusal of a file that is somebody else's. */
export function foreignFile(path: string): CutoverError {
  return new CutoverError('refused', `${path} is there already, and cutover did not write it; nothing was written`, {
    mend: `look at it (cat ${path}); to have it replaced: mv ${path} ${path}.saved`,
  });
}

async function stage({ path, text, mode }: PlannedFile): Promise<StagedFile> {
  await makeDirectories(dirname(path));
  return stageDurably(path, text, mode);
}

/** Makes a directory and those above it, so that a power cut leaves none of them out. @throws `permission`, `disk` */
export async function makeDirectories(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true }).catch((error: unknown) => {
    throw fileError(error, 'cannot create', path);
  });
  if (first === undefined) return;
  for (let at = path; at.length >= first.length; at = dirname(at)) await syncDirectory(dirname(at));
}

async function readExisting(path: string): Promise<string | null> {
  return readIfThere(path).catch((error: unknown) => {
    throw isCutoverError(error) && errnoOf(error.cause) === 'EISDIR' ? noPlace(path, 'is a directory') : error;
  });
}

/** Asks the nearest directory that is there, so that nothing is written when not everything can be. @throws `permission`, `refused` */
export async function requireWritable(path: string): Promise<void> {
  for (let at = dirname(path); ; at = dirname(at)) {
    const facts = await stat(at).catch(() => null);
    if (facts === null && at !== '/') continue;
    if (facts && !facts.isDirectory()) throw noPlace(at, 'is no directory');
    return access(at, constants.W_OK | constants.X_OK).catch((error: unknown) => {
      throw fileError(error, 'cannot write', path);
    });
  }
}

function noPlace(path: string, what: string): CutoverError {
  return new CutoverError('refused', `${path} ${what}; nothing was written`, { mend: `ls -ld ${path}` });
}

/** Permission bits as chmod takes them. */
export function modeText(bits: number): string {
  return bits.toString(8).padStart(4, '0');
}
