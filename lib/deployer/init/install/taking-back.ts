import { lstat, stat } from 'node:fs/promises';
import { isThere, readIfThere, removeIfThere } from '../../../base/files.ts';
import { type FileResult, modeText } from '../files.ts';
import { digestOf, type InstallRecord } from './record.ts';

export interface TakingBack {
  /** the configuration that needs the files no more */
  config: string;
  isDryRun: boolean;
  onFile: (file: FileResult) => void;
}

/** What became of files that a configuration needs no more. */
export interface TakenBack {
  files: FileResult[];
  notes: string[];
  /** the paths that the record is not to tell of any more */
  forgotten: string[];
}

/** Removes files of ours that no other configuration needs, and that nobody has changed. @throws `permission` */
export async function takeFilesBack(
  record: InstallRecord,
  paths: readonly string[],
  taking: TakingBack,
): Promise<TakenBack> {
  const done: TakenBack = { files: [], notes: [], forgotten: [] };
  for (const path of paths) {
    const { digests = [], for: owners = [] } = record.files[path] ?? {};
    const others = await othersIn(owners, taking.config);
    if (others.length > 0) {
      done.notes.push(`${path} stays: ${others.join(' and ')} needs it`);
      continue;
    }
    done.forgotten.push(path);
    const text = await readIfThere(path);
    if (text === null) continue;
    const isOurs = digests.includes(digestOf(text)) && !(await isLink(path));
    if (!isOurs) done.notes.push(`${path} stays: it was changed since it was written; to remove it: rm ${path}`);
    const file = await resultOf(path, isOurs, taking.isDryRun);
    if (isOurs && !taking.isDryRun) await removeIfThere(path);
    taking.onFile(file);
    done.files.push(file);
  }
  return done;
}

/** What `init --install` writes is a file: a link to the same text was put in its place, by npm perhaps. */
async function isLink(path: string): Promise<boolean> {
  return (await lstat(path)).isSymbolicLink();
}

/** The other configurations that are still there: one that was moved or removed needs nothing. */
export async function othersIn(owners: readonly string[], config: string): Promise<string[]> {
  const found = await Promise.all(owners.map(async (owner) => owner !== config && (await isThere(owner))));
  return owners.filter((_, at) => found[at]);
}

async function resultOf(path: string, isOurs: boolean, isDryRun: boolean): Promise<FileResult> {
  const { mode } = await stat(path);
  const status = isOurs ? (isDryRun ? 'would remove' : 'removed') : 'kept';
  return { path, status, mode: modeText(mode & 0o7777) };
}
