import { constants } from 'node:fs';
import { access, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CutoverError, errnoOf, fileError, messageOf } from '../base/errors.ts';
import { isThere, move, syncDirectory } from '../base/files.ts';
import { randomHex } from '../base/temporary-name.ts';
import { removeTrees } from '../base/remove.ts';
import { isBuildId } from './layout.ts';

/**
 * What the name of a build begins with while it waits to be removed: in the same directory, since a full disk may have
 * no room for another one. With digits behind it, it is a rest: its removal has begun.
 */
const asidePrefix = '.removing.';

/** Why something is still there; by a build's id, or the name of a rest. */
export type RemovalProblems = Map<string, CutoverError>;

/** What a removal that was cut off has left. */
export interface LeftOver {
  /** the ids of whole builds: nothing of them is gone */
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
  const left = await discard(
    directory,
    aside.filter((id) => going.has(id)),
    signal,
  );
  return { back: back.filter((id) => !lost.has(id)), problems: new Map([...stuck, ...lost, ...left]) };
}

/** What an earlier removal left when it was cut off. @throws `permission` */
export async function listLeftOver(directory: string): Promise<LeftOver> {
  const names = await readdir(directory).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return [];
    throw fileError(error, 'cannot read', directory);
  });
  const aside = names.filter((name) => name.startsWith(asidePrefix));
  const ids = aside.map((name) => name.slice(asidePrefix.length));
  return { whole: ids.filter(isBuildId), rests: aside.filter(isRest) };
}

/**
 * Puts back the whole builds that a removal has left when it was cut off: whether they go is decided anew.
 * @returns those that could not be put back, and why
 * @throws `permission`
 */
export async function putBackLeftOver(directory: string): Promise<RemovalProblems> {
  return putBack(directory, (await listLeftOver(directory)).whole);
}

/** Removes what is left of builds whose removal had begun. @throws `permission`; the signal's reason when aborted */
export async function removeRests(directory: string, signal: AbortSignal): Promise<RemovalProblems> {
  const { rests } = await listLeftOver(directory);
  return removeAll(directory, rests, signal);
}

/** The name of a build that is out of reach. */
export function asideName(id: string): string {
  return `${asidePrefix}${id}`;
}

async function setAside(directory: string, ids: readonly string[]): Promise<RemovalProblems> {
  const problems: RemovalProblems = new Map();
  // To be moved it only takes a right to the directory above: a build that could only half be removed is not begun.
  for (const id of ids) {
    await access(join(directory, id), constants.W_OK).catch((error: unknown) => {
      problems.set(id, problemOf(fileError(error, 'cannot remove', join(directory, id)), join(directory, id)));
    });
  }
  const ready = ids.filter((id) => !problems.has(id));
  const stuck = await moveAll(directory, new Map(ready.map((id) => [id, [id, asideName(id)]])));
  return new Map([...problems, ...stuck]);
}

async function putBack(directory: string, ids: readonly string[]): Promise<RemovalProblems> {
  const taken: RemovalProblems = new Map();
  for (const id of ids) if (await isThere(join(directory, id))) taken.set(id, takenName(directory, id));
  const free = ids.filter((id) => !taken.has(id));
  const problems = await moveAll(directory, new Map(free.map((id) => [id, [asideName(id), id]])));
  return new Map([...taken, ...problems]);
}

/** A build that is called a rest is never put back, since it may not be whole: so it gets that name before. */
async function discard(directory: string, ids: string[], signal: AbortSignal): Promise<RemovalProblems> {
  const rests = new Map(ids.map((id) => [id, restNameOf(id)]));
  const problems = await moveAll(directory, new Map([...rests].map(([id, rest]) => [id, [asideName(id), rest]])));
  for (const id of problems.keys()) rests.delete(id);
  const left = await removeAll(directory, [...rests.values()], signal);
  for (const [id, rest] of rests) {
    const problem = left.get(rest);
    if (problem) problems.set(id, problem);
  }
  return problems;
}

async function removeAll(directory: string, names: readonly string[], signal: AbortSignal): Promise<RemovalProblems> {
  const pathOf = (name: string): string => join(directory, name);
  const left = await removeTrees(names.map(pathOf), signal);
  return new Map(
    names.flatMap((name) => {
      const problem = left.get(pathOf(name));
      return problem ? [[name, problem]] : [];
    }),
  );
}

/** The renames, then the directory once: they are on the disk before anything is taken out of a build. */
async function moveAll(
  directory: string,
  moves: ReadonlyMap<string, readonly [from: string, to: string]>,
): Promise<RemovalProblems> {
  const problems: RemovalProblems = new Map();
  for (const [id, [from, to]] of moves) {
    await move(join(directory, from), join(directory, to)).catch((error: unknown) => {
      problems.set(id, problemOf(error, join(directory, from)));
    });
  }
  if (moves.size > problems.size) await syncDirectory(directory);
  return problems;
}

function problemOf(error: unknown, path: string): CutoverError {
  if (error instanceof CutoverError) return error;
  const why = errnoOf(error) === 'EBUSY' ? 'something is mounted there' : messageOf(error);
  return new CutoverError('failed', `cannot remove ${path}: ${why}`, { cause: error });
}

function takenName(directory: string, id: string): CutoverError {
  const [there, aside] = [join(directory, id), join(directory, asideName(id))];
  return new CutoverError('failed', `cannot put ${aside} back: there is another ${id} by now`, {
    mend: `diff -r ${there} ${aside}; then rm -rf ${aside}`,
  });
}

function restNameOf(id: string): string {
  return `${asideName(id)}.${randomHex()}`;
}

function isRest(name: string): boolean {
  return name.startsWith(asidePrefix) && isBuildId(name.slice(asidePrefix.length, -9)) && /\.[0-9a-f]{8}$/.test(name);
}
