import { lstat, mkdir, readdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CutoverError, errnoOf, fileError, messageOf } from '../base/errors.ts';
import { move, syncDirectory } from '../base/files.ts';
import { removeTrees } from '../base/remove.ts';
import { isBuildId } from './layout.ts';

/** Where builds wait to be removed: not to be found by their path any more, and whole until they get another name. */
export const removingName = '.removing';

/** Why something is still there; by a build's id, or the name of a rest. */
export type RemovalProblems = Map<string, CutoverError>;

/** What a removal that was cut off has left. */
export interface LeftOver {
  /** whole builds: nothing of them is gone */
  whole: string[];
  /** the names of what is left of builds whose removal had begun */
  rests: string[];
}

/**
 * Removes builds that nobody uses: out of reach first, so that nobody new finds them; then another look; and only then
 * removed. May be cut off anywhere: `putBackLeftOver` and `removeRests` end it. Only for whoever holds the target.
 * @param mayGo which of the builds that are out of reach may go; the others are put back
 * @returns the builds that were put back, and those that could not be removed, or not wholly, with the reasons
 * @throws what `mayGo` throws, when all are back; `permission`, `disk`; the signal's reason when aborted
 */
export async function removeBuilds(
  directory: string,
  ids: readonly string[],
  { mayGo, signal }: { mayGo: (aside: readonly string[]) => Promise<ReadonlySet<string>>; signal: AbortSignal },
): Promise<{ back: string[]; problems: RemovalProblems }> {
  const stuck = await setAside(directory, ids);
  const aside = ids.filter((id) => !stuck.has(id));
  const going = await mayGo(aside).catch(async (error: unknown) => {
    await putBack(directory, aside);
    throw error;
  });
  const back = aside.filter((id) => !going.has(id));
  const lost = await putBack(directory, back);
  const left = await discard(directory, [...going], signal);
  await removeIfEmpty(join(directory, removingName));
  return { back: back.filter((id) => !lost.has(id)), problems: new Map([...stuck, ...lost, ...left]) };
}

/** What an earlier removal left when it was cut off. @throws `permission` */
export async function listLeftOver(directory: string): Promise<LeftOver> {
  const aside = join(directory, removingName);
  const names = await readdir(aside).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return [];
    throw fileError(error, 'cannot read', aside);
  });
  return { whole: names.filter(isBuildId), rests: names.filter((name) => !isBuildId(name)) };
}

/**
 * Puts back the whole builds that a removal has left when it was cut off: whether they go is decided anew.
 * @returns those that could not be put back, and why
 * @throws `permission`
 */
export async function putBackLeftOver(directory: string): Promise<RemovalProblems> {
  const { whole } = await listLeftOver(directory);
  const problems = await putBack(directory, whole);
  if (whole.length > 0) await removeIfEmpty(join(directory, removingName));
  return problems;
}

/** Removes what is left of builds whose removal had begun. @throws `permission`; the signal's reason when aborted */
export async function removeRests(directory: string, signal: AbortSignal): Promise<RemovalProblems> {
  const { rests } = await listLeftOver(directory);
  const problems = await removeAll(directory, rests, signal);
  await removeIfEmpty(join(directory, removingName));
  return problems;
}

async function setAside(directory: string, ids: readonly string[]): Promise<RemovalProblems> {
  const aside = join(directory, removingName);
  await mkdir(aside, { mode: 0o700 }).catch((error: unknown) => {
    if (errnoOf(error) !== 'EEXIST') throw fileError(error, 'cannot create', aside);
  });
  return moveAll(ids, { from: directory, to: aside });
}

async function putBack(directory: string, ids: readonly string[]): Promise<RemovalProblems> {
  const taken: RemovalProblems = new Map();
  for (const id of ids) if (await isThere(join(directory, id))) taken.set(id, takenName(directory, id));
  const free = ids.filter((id) => !taken.has(id));
  const problems = await moveAll(free, { from: join(directory, removingName), to: directory });
  return new Map([...taken, ...problems]);
}

/** A build that is called a rest is never put back, since it may not be whole: so it gets that name before. */
async function discard(directory: string, ids: string[], signal: AbortSignal): Promise<RemovalProblems> {
  const aside = join(directory, removingName);
  const restOf = new Map(ids.map((id) => [id, restNameOf(id)]));
  const nameOf = (id: string): string => restOf.get(id) ?? id;
  const problems = await moveAll(ids, { from: aside, to: aside, nameOf });
  const moved = ids.filter((id) => !problems.has(id));
  const left = await removeAll(directory, moved.map(nameOf), signal);
  for (const id of moved) {
    const problem = left.get(nameOf(id));
    if (problem) problems.set(id, problem);
  }
  return problems;
}

async function removeAll(directory: string, names: readonly string[], signal: AbortSignal): Promise<RemovalProblems> {
  const pathOf = (name: string): string => join(directory, removingName, name);
  const left = await removeTrees(names.map(pathOf), signal);
  return new Map(
    names.flatMap((name) => {
      const problem = left.get(pathOf(name));
      return problem ? [[name, problem]] : [];
    }),
  );
}

/** The renames, then the directories once: they are on the disk before anything is taken out of a build. */
async function moveAll(
  names: readonly string[],
  { from, to, nameOf = (name) => name }: { from: string; to: string; nameOf?: (name: string) => string },
): Promise<RemovalProblems> {
  const problems: RemovalProblems = new Map();
  for (const name of names) {
    await move(join(from, name), join(to, nameOf(name))).catch((error: unknown) => {
      problems.set(name, problemOf(error, join(from, name)));
    });
  }
  if (names.length > problems.size) for (const parent of new Set([from, to])) await syncDirectory(parent);
  return problems;
}

function problemOf(error: unknown, path: string): CutoverError {
  if (error instanceof CutoverError) return error;
  const why = errnoOf(error) === 'EBUSY' ? 'something is mounted there' : messageOf(error);
  return new CutoverError('failed', `cannot move ${path}: ${why}`, { cause: error });
}

function takenName(directory: string, id: string): CutoverError {
  const aside = join(directory, removingName, id);
  const mend = `diff -r ${join(directory, id)} ${aside}; then rm -rf ${aside}`;
  return new CutoverError('failed', `cannot put ${aside} back: there is another ${id} by now`, { mend });
}

function restNameOf(id: string): string {
  const digits = Math.floor(Math.random() * 0x1_0000_0000).toString(16);
  return `${id}.${digits.padStart(8, '0')}`;
}

async function removeIfEmpty(path: string): Promise<void> {
  await rmdir(path).catch((error: unknown) => {
    // What is left in it is for the next time, and the empty directory does no harm.
    if (!['ENOENT', 'ENOTEMPTY', 'EEXIST', 'EACCES', 'EPERM', 'EROFS'].includes(errnoOf(error) ?? '')) throw error;
  });
}

async function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}
