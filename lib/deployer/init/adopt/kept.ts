import type { Stats } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { errnoOf, messageOf } from '../../../base/errors.ts';
import { isThere, move } from '../../../base/files.ts';
import { inside, letGoAfter, pinDirectory } from '../../../base/pinned-directory.ts';
import { shellLine } from '../../../base/shell-words.ts';
import { currentPath } from '../../../builds/layout.ts';
import { removeCurrent } from '../../../builds/swap.ts';
import { entriesOf } from './data.ts';
import type { Adoption } from './record.ts';

/** So many are named, each in a note of its own. */
const namedAtMost = 50;
const stem = 'taken-back';

/** Where a service has written before it was taken back out of there, and does not run any more. */
export interface Kept {
  path: string;
  /** each thing in it that the place where it runs has otherwise or not at all, and what to type */
  notes: string[];
  /** what to type once the notes were followed */
  next: string;
}

/**
 * Keeps a copy that the service has run from where it holds what the old directory does not: users sent that meanwhile. It gets a
 * name that no deploy takes for a build, and no prune either.
 * @returns null: there is nothing in it that is not in the directory, too
 * @throws `permission`, `refused`
 */
export async function keepWritten(adoption: Adoption): Promise<Kept | null> {
  const { source, builds, build } = adoption;
  const name = build.replace(/^dist/, stem);
  const directory = await pinDirectory(builds);
  if (directory === null) return null;
  return letGoAfter(directory, async () => {
    // Whoever was killed here before may have named it already.
    const isNamed = await isThere(join(directory.path, name));
    const looking = inside(directory, (path) => writtenIn(join(path, isNamed ? name : build), source, adoption.shared));
    const found = await looking.catch(messageOf);
    if (found.length === 0) return null;
    await inside(directory, async (path) => {
      await removeCurrent(path);
      if (!isNamed) await move(join(path, build), join(path, name));
    });
    await directory.file.sync();
    const path = join(builds, name);
    return { path, notes: notesOn(found, { path, other: source }), next: afterKept(source, path) };
  });
}

/**
 * Tells what a service has written in its old directory, to which it was on its way back, before it was taken back into the builds.
 * All of it stays where it is.
 * @returns null: there is nothing that is not in the build, too
 */
export async function writtenOnTheWay({ source, builds, shared, lookedMs }: Adoption): Promise<Kept | null> {
  const current = currentPath(builds);
  const found = await writtenIn(source, current, shared, lookedMs).catch(messageOf);
  if (found.length === 0) return null;
  const notes = notesOn(found, { path: source, other: current });
  return { path: source, notes, next: shellLine(['diff', '-r', current, source]) };
}

/** The names in a builds directory of what was kept so. */
export function isKeptName(name: string): boolean {
  return name.startsWith(`${stem}.`);
}

/** What to do with what was kept, once its notes were followed. */
export function afterKept(source: string, path: string): string {
  return `${shellLine(['diff', '-r', source, path])}, and once it holds nothing that you want: ${shellLine(['rm', '-r', path])}`;
}

interface Written {
  name: string;
  /** the other place has something of that name, too */
  isInBoth: boolean;
}

/**
 * @param sinceMs what was not touched after this moment is left out
 * @returns what a directory has, and another one has otherwise or not at all: of a folder that is new its name alone
 */
async function writtenIn(directory: string, other: string, shared: readonly string[], sinceMs = 0): Promise<Written[]> {
  const found: Written[] = [];
  const fresh = new Set<string>();
  for await (const { path, facts } of entriesOf(directory, shared)) {
    if (facts.ctimeMs <= sinceMs) continue;
    const name = relative(directory, path);
    // With its slash: the other one may be a link.
    const original = `${other}/${name}`;
    // The link that was put there for it.
    if (facts.isSymbolicLink() && shared.includes(original)) continue;
    const own = await lstat(original).catch(unlessAbsent);
    if (own === null && facts.isDirectory()) fresh.add(path);
    if (!fresh.has(dirname(path)) && !isSame(facts, own)) found.push({ name, isInBoth: own !== null });
  }
  return found.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function isSame(facts: Stats, own: Stats | null): boolean {
  if (facts.isDirectory()) return own?.isDirectory() === true;
  return own?.mtimeMs === facts.mtimeMs && own.size === facts.size;
}

function unlessAbsent(error: unknown): null {
  if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '')) return null;
  throw error;
}

/** @param found or why that is not known */
function notesOn(found: readonly Written[] | string, { path, other }: { path: string; other: string }): string[] {
  if (typeof found === 'string') return [`what was written in ${path} is not known: ${found}`];
  const notes = found.slice(0, namedAtMost).map(({ name, isInBoth }) => {
    const [kept, original] = [join(path, name), join(other, name)];
    if (isInBoth) return `${kept} is not the same as ${original} -> ${shellLine(['diff', original, kept])}`;
    return `${kept} is not in ${other} -> ${shellLine(['cp', '-a', kept, `${dirname(original)}/`])}`;
  });
  const rest = found.length - notes.length;
  return rest === 0 ? notes : [...notes, `and ${rest} more like it -> ${shellLine(['diff', '-r', other, path])}`];
}
