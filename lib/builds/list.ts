import { readdir, realpath } from 'node:fs/promises';
import { basename, dirname, resolve, sep } from 'node:path';
import { CutoverError, errnoOf, fileError } from '../base/errors.ts';
import { type Build, inspectBuild } from './inspect.ts';
import { compareBuildIds, isBuildId } from './layout.ts';

/** Enough to hide the disk's latency, few enough to leave the thread pool to others. */
const inspectedAtOnce = 8;

/**
 * The ids of all builds, oldest first, from one reading of the directory: nothing is known yet of what is in them.
 * @throws `no_build` when there is no such directory; `permission`
 */
export async function listBuildIds(directory: string): Promise<string[]> {
  const names = await readdir(directory).catch((error: unknown) => {
    throw directoryError(error, directory);
  });
  return names.filter(isBuildId).toSorted(compareBuildIds);
}

/**
 * All builds with their facts, oldest first. Costs a few system calls for each build: ask `listBuildIds` for names alone.
 * @throws as `listBuildIds`
 */
export async function listBuilds(directory: string): Promise<Build[]> {
  const ids = await listBuildIds(directory);
  const builds: Build[] = [];
  for (let at = 0; at < ids.length; at += inspectedAtOnce) {
    const some = ids.slice(at, at + inspectedAtOnce);
    builds.push(...(await Promise.all(some.map((id) => inspectBuild(directory, id)))));
  }
  return builds;
}

/**
 * The id of the newest build, or null where there is none.
 * @param except ids never to pick: quarantined builds
 * @throws as `listBuildIds`
 */
export async function newestBuild(directory: string, except: ReadonlySet<string> = new Set()): Promise<string | null> {
  const ids = await listBuildIds(directory);
  return ids.findLast((id) => !except.has(id)) ?? null;
}

/**
 * The id of the build that a person names: `dist.X`, `X`, or a path, relative ones from the working directory.
 * A path must lead, links followed, to a build of this very directory.
 * @throws `no_build`; as `listBuildIds`
 */
export async function resolveBuild(directory: string, name: string): Promise<string> {
  if (name.includes(sep)) return resolvePath(directory, name);
  const ids = await listBuildIds(directory);
  const id = [name, `dist.${name}`].find((candidate) => ids.includes(candidate));
  if (id === undefined) throw noBuild(`there is no build ${name} in ${directory}`);
  return id;
}

async function resolvePath(directory: string, name: string): Promise<string> {
  const root = await realpath(directory).catch((error: unknown) => {
    throw directoryError(error, directory);
  });
  const path = await realpath(resolve(name)).catch((error: unknown) => {
    throw noBuild(`there is no build at ${name}`, error);
  });
  if (dirname(path) !== root) throw noBuild(`${name} is not a build in ${directory}`);
  if (!isBuildId(basename(path))) throw noBuild(`${name} has not the name of a build (dist.YYYYMMDD-HHMMSS)`);
  return basename(path);
}

function noBuild(message: string, cause?: unknown): CutoverError {
  return new CutoverError('no_build', message, { mend: 'cutover builds', cause });
}

function directoryError(error: unknown, directory: string): unknown {
  const errno = errnoOf(error);
  if (errno === 'ENOENT') {
    return new CutoverError('no_build', `the builds directory ${directory} does not exist`, {
      mend: `mkdir -p ${directory}`,
      cause: error,
    });
  }
  if (errno === 'ENOTDIR') {
    return new CutoverError('no_build', `the builds directory ${directory} is not a directory`, {
      mend: `ls -ld ${directory}`,
      cause: error,
    });
  }
  return fileError(error, 'cannot read', directory);
}
