import { lstat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { messageOf } from '../../../base/errors.ts';
import { entriesOf } from './data.ts';
import type { Adoption } from './record.ts';

/** So many are named, each in a note of its own: more of them make one folder that should have been shared. */
const namedAtMost = 50;

/**
 * Tells of each file that was written in the old directory while it was copied, and that the build has otherwise or not at all: the
 * service had it a moment ago, and has it no more.
 * @returns a note for each; empty: nothing was
 */
export async function leftBehindNotes(adoption: Adoption): Promise<string[]> {
  const { source, builds, build } = adoption;
  const names = await leftBehind(adoption).catch((error: unknown) => messageOf(error));
  // The service has moved all the same.
  if (typeof names === 'string') return [`what was written in ${source} meanwhile is not known: ${names}`];
  const notes = names.slice(0, namedAtMost).map((name) => {
    const [from, to] = [join(source, name), join(builds, build, name)];
    return `${from} was written while the directory was copied, and ${to} is not the same -> diff ${from} ${to}`;
  });
  const rest = names.length - notes.length;
  return rest === 0 ? notes : [...notes, `and ${rest} more like it -> diff -r ${source} ${join(builds, build)}`];
}

async function leftBehind({ source, builds, build, shared, lookedMs }: Adoption): Promise<string[]> {
  const names: string[] = [];
  for await (const { path, facts } of entriesOf(source, shared)) {
    if (facts.isDirectory() || facts.ctimeMs <= lookedMs) continue;
    const name = relative(source, path);
    const copy = await lstat(join(builds, build, name)).catch(() => null);
    if (copy?.mtimeMs !== facts.mtimeMs || copy.size !== facts.size) names.push(name);
  }
  return names.toSorted();
}
