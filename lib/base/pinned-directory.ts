import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, readdir } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
import { CutoverError, errnoOf, fileError, isCutoverError } from './errors.ts';
import { isRootsAlone } from './roots-alone.ts';

/**
 * A directory that is held open. In a directory of another user root can rely on no name: the user may put a link in its place
 * between two calls. Below `path` there is this directory and no other, whatever becomes of its name.
 */
export interface PinnedDirectory {
  /** how people call it */
  readonly name: string;
  /** what leads into it, in this process alone */
  readonly path: string;
  readonly file: FileHandle;
}

const aDirectory = constants.O_RDONLY | constants.O_DIRECTORY;
const makersAlone = 0o700;

/**
 * Opens a directory. Root follows no link on the way that somebody else could have put there.
 * @param path absolute
 * @returns null where there is none
 * @throws `refused` where a link or a file is in the way; `permission`
 */
export async function pinDirectory(path: string): Promise<PinnedDirectory | null> {
  const firm = await firmPart(path);
  let directory = await openAs(firm, firm, aDirectory);
  for (const name of relative(firm, path).split(sep).filter(Boolean)) {
    if (directory === null) return null;
    const above: PinnedDirectory = directory;
    directory = await letGoAfter(above, () => pinBelow(above, name));
  }
  return directory;
}

/** Opens a directory in a pinned one. @returns null where there is none @throws `refused` where it is a link or a file; `permission` */
export async function pinBelow(parent: PinnedDirectory, name: string): Promise<PinnedDirectory | null> {
  return openAs(join(parent.path, name), join(parent.name, name), aDirectory | constants.O_NOFOLLOW);
}

/**
 * Makes a directory that nobody but its maker may enter, yet.
 * @throws `refused` where the name is taken; `permission`, `disk`
 */
export async function makeBelow(parent: PinnedDirectory, name: string): Promise<PinnedDirectory> {
  await makeName(parent, name, makersAlone);
  const made = await pinBelow(parent, name);
  try {
    // Whose directory it is made in may have put another one in its place by now, to be given that one.
    if (made === null || !(await isFresh(made))) throw replaced(join(parent.name, name));
    // A directory that hands its group down must not do so to what is made in it.
    await made.file.chmod(makersAlone);
    return made;
  } catch (error) {
    await made?.file.close();
    throw error;
  }
}

/**
 * Opens a directory, or makes it with those above it; one that was made nobody but its maker may enter, yet.
 * @throws `refused` where a link or a file is in the way; `permission`, `disk`
 */
export async function pinOrMake(path: string): Promise<{ directory: PinnedDirectory; isMade: boolean }> {
  const there = await pinDirectory(path);
  if (there) return { directory: there, isMade: false };
  const parent = await pinParent(path);
  return letGoAfter(parent, async () => ({ directory: await makeBelow(parent, basename(path)), isMade: true }));
}

/** Does work with a directory, and closes it. */
export async function letGoAfter<T>({ file }: PinnedDirectory, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } finally {
    await file.close();
  }
}

/** Does what goes by paths below a pinned directory; what goes wrong is told by the name that people know. */
export async function inside<T>(directory: PinnedDirectory, work: (path: string) => Promise<T>): Promise<T> {
  const { name, path } = directory;
  const known = (text: string): string => text.replaceAll(new RegExp(`${path}(?!\\d)`, 'g'), () => name);
  return work(path).catch((error: unknown) => {
    if (!isCutoverError(error)) throw error;
    const mend = error.mend === undefined ? {} : { mend: known(error.mend) };
    throw new CutoverError(error.code, known(error.message), { ...mend, cause: error.cause });
  });
}

/** The part of a path, from its beginning, that nobody but whoever this process belongs to, and root, has a say in. */
async function firmPart(path: string): Promise<string> {
  if (process.geteuid?.() !== 0) return path;
  let at = path;
  while (at !== dirname(at) && !(await isRootsAlone(at).catch(() => false))) at = dirname(at);
  return at;
}

async function openAs(path: string, name: string, flags: number): Promise<PinnedDirectory | null> {
  try {
    const file = await open(path, flags);
    return { name, path: `/proc/self/fd/${file.fd}`, file };
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT') return null;
    throw errno === 'ENOTDIR' || errno === 'ELOOP' ? noDirectory(name, error) : fileError(error, 'cannot open', name);
  }
}

async function pinParent(path: string): Promise<PinnedDirectory> {
  const name = dirname(path);
  const there = await pinDirectory(name);
  if (there) return there;
  const above = await pinParent(name);
  return letGoAfter(above, async () => {
    await makeName(above, basename(name), 0o777);
    const made = await pinBelow(above, basename(name));
    if (made === null) throw replaced(name);
    return made;
  });
}

async function makeName(parent: PinnedDirectory, name: string, mode: number): Promise<void> {
  const path = join(parent.name, name);
  try {
    await mkdir(join(parent.path, name), { mode });
    await parent.file.sync();
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw fileError(error, 'cannot create', path);
    throw new CutoverError('refused', `${path} is there already`, { mend: `ls -ld ${path}; mv ${path} ${path}.saved` });
  }
}

async function isFresh({ file, path }: PinnedDirectory): Promise<boolean> {
  const { uid } = await file.stat();
  return uid === process.geteuid?.() && (await readdir(path)).length === 0;
}

function noDirectory(path: string, cause: unknown): CutoverError {
  const what = `${path} is no directory, or a link that another user than root may have put there`;
  return new CutoverError('refused', what, { mend: `ls -ld ${path}, and name the directory itself`, cause });
}

function replaced(path: string): CutoverError {
  return new CutoverError('refused', `somebody else has put another directory in the place of ${path}`, {
    mend: `ls -ld ${path} ${dirname(path)}`,
  });
}
