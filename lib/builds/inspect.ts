import { lstat, opendir } from 'node:fs/promises';
import { join } from 'node:path';
import { CutoverError, errnoOf, messageOf } from '../base/errors.ts';
import { type Account, whyUnreachable } from './access.ts';
import { createdAtOf } from './layout.ts';
import { contentsName, manifestName, readManifest } from './manifest.ts';

/** A build and what a look at it tells. */
export interface Build {
  id: string;
  path: string;
  /** the moment in its name */
  createdAt: Date;
  revision: string | null;
  branch: string | null;
  /** why it cannot be deployed, as the end of "the build … "; null: nothing speaks against it */
  broken: string | null;
}

/**
 * Looks at one build. What is wrong with it is an answer, never an error.
 * @param asUser the account of the unit, which has to read the build whoever deploys it
 * @throws `no_build` when the id is not one of a build
 */
export async function inspectBuild(
  directory: string,
  id: string,
  { asUser }: { asUser?: Account } = {},
): Promise<Build> {
  const createdAt = createdAtOf(id);
  if (!createdAt) throw new CutoverError('no_build', `${id} is not the name of a build`, { mend: 'cutover builds' });
  const build: Build = { id, path: join(directory, id), createdAt, revision: null, branch: null, broken: null };
  build.broken = await whyUnusable(build.path);
  if (build.broken) return build;
  try {
    const manifest = await readManifest(build.path);
    build.revision = manifest?.revision ?? null;
    build.branch = manifest?.branch ?? null;
  } catch (error) {
    build.broken = messageOf(error);
  }
  if (!build.broken && asUser) build.broken = await whyUnreachable(build.path, asUser);
  return build;
}

async function whyUnusable(path: string): Promise<string | null> {
  try {
    const facts = await lstat(path);
    if (facts.isSymbolicLink()) return 'is a link, not a directory';
    if (!facts.isDirectory()) return 'is a file, not a directory';
    return (await isEmpty(path)) ? 'is empty' : null;
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT') return 'does not exist';
    if (errno === 'EACCES' || errno === 'EPERM') return 'is not readable';
    return `is not readable: ${messageOf(error)}`;
  }
}

/** What `cutover add` writes runs nothing, so it does not count. Stops at the first name that does. */
async function isEmpty(path: string): Promise<boolean> {
  for await (const entry of await opendir(path)) {
    if (entry.name !== manifestName && entry.name !== contentsName) return false;
  }
  return true;
}
