import type { Stats } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { errnoOf, messageOf } from '../../../base/errors.ts';
import { isThere, move } from '../../../base/files.ts';
import { inside, letGoAfter, pinDirectory } from '../../../base/pinned-directory.ts';
import { shellLine } from '../../../base/shell-words.ts';
import { removeCurrent } from '../../../builds/swap.ts';
import { entriesOf } from './data.ts';
import type { Adoption } from './record.ts';

/** So many are named, each in a note of its own. */
const namedAtMost = 50;
const stem = 'taken-back';

/** A copy that a service has written in before it was taken back out of it. */
export interface Kept {
  path: string;
  /** each thing in it that the old directory has otherwise or not at all, and what to type */
  notes: string[];
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
    const looking = inside(directory, (path) => writtenIn(join(path, isNamed ? name : build), adoption));
    const found = await looking.catch(messageOf);
    if (found.length === 0) return null;
    await inside(directory, async (path) => {
      await removeCurrent(path);
      if (!isNamed) await move(join(path, build), join(path, name));
    });
    await directory.file.sync();
    const path = join(builds, name);
    const unknown = (why: string): string[] => [`what was written in ${path} is not known: ${why}`];
    return { path, notes: typeof found === 'string' ? unknown(found) : notesOn(found, { source, path }) };
  });
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
  /** the old directory has something of that name, too */
  isInBoth: boolean;
}

/** @returns what a copy has, and the old directory has otherwise or not at all: of a folder that is new its name alone */
async function writtenIn(copy: string, { source, shared }: Adoption): Promise<Written[]> {
  const found: Written[] = [];
  const fresh = new Set<string>();
  for await (const { path, facts } of entriesOf(copy, [])) {
    const name = relative(copy, path);
    const original = join(source, name);
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

function notesOn(found: readonly Written[], { source, path }: { source: string; path: string }): string[] {
  const notes = found.slice(0, namedAtMost).map(({ name, isInBoth }) => {
    const [kept, original] = [join(path, name), join(source, name)];
    if (isInBoth) return `${kept} is not the same as ${original} -> ${shellLine(['diff', original, kept])}`;
    return `${kept} is not in ${source} -> ${shellLine(['cp', '-a', kept, `${dirname(original)}/`])}`;
  });
  const rest = found.length - notes.length;
  return rest === 0 ? notes : [...notes, `and ${rest} more like it -> ${shellLine(['diff', '-r', source, path])}`];
}
