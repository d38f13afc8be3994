import { lstat, readlink, realpath, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, sep } from 'node:path';
import { errnoOf, fileError } from '../base/errors.ts';
import { shellWord } from '../base/shell-words.ts';
import { buildIdFor, currentPath, isBuildId } from './layout.ts';

/** What stands at `current`. `destination` is the link's own text, `path` where it leads in the end. */
export type CurrentLink =
  | { state: 'ok'; build: string; destination: string }
  /** leads to a build of the directory, but by an absolute path: it breaks when the directory is moved */
  | { state: 'absolute'; build: string; destination: string }
  | { state: 'missing' }
  /** leads to nothing, or in circles */
  | { state: 'dangling'; destination: string }
  | { state: 'not_a_link'; kind: 'directory' | 'file'; modified: Date }
  /** leads out of the builds directory */
  | { state: 'outside'; destination: string; path: string }
  /** leads to something in the builds directory that is not one of its builds */
  | { state: 'not_a_build'; destination: string; path: string };

/**
 * Tells what `current` is, links followed to their end.
 * @throws `permission`
 */
export async function readCurrent(directory: string): Promise<CurrentLink> {
  const link = currentPath(directory);
  const [facts, destination, path] = await Promise.all([
    orNull(lstat(link), link),
    orNull(readlink(link), link),
    orNull(realpath(link), link),
  ]);
  if (!facts) return { state: 'missing' };
  if (!facts.isSymbolicLink()) {
    return { state: 'not_a_link', kind: facts.isDirectory() ? 'directory' : 'file', modified: facts.mtime };
  }
  if (destination === null) return { state: 'missing' };
  if (path === null) return { state: 'dangling', destination };
  return placeOf(await realpath(directory), { destination, path });
}

/** What to type to have `current` name a build. */
export function pointing(directory: string, build: string): string {
  const [current, anew] = ['', '.new'].map((end) => shellWord(`${currentPath(directory)}${end}`));
  return `ln -s ${build} ${anew} && mv -T ${anew} ${current}`;
}

/**
 * What to type where something else stands in the place of `current`: a directory that the service may run in becomes a build, so
 * that it can be gone back to.
 * @param serving the build that runs; null: none is known to, or it may be the directory
 */
export function makingLink(
  directory: string,
  { kind, modified }: { kind: 'directory' | 'file'; modified: Date },
  serving: string | null = null,
): string {
  const current = currentPath(directory);
  const aside = kind === 'file' || serving !== null;
  const build = aside ? serving : buildIdFor(modified);
  const moved = aside ? `${current}.saved` : join(directory, build ?? '');
  const moving = `mv ${shellWord(current)} ${shellWord(moved)}`;
  return build === null ? moving : `${moving} && ln -s ${build} ${shellWord(current)}`;
}

/** The id of the build in service, or null where `current` leads to none. @throws `permission` */
export async function currentBuild(directory: string): Promise<string | null> {
  const link = await readCurrent(directory);
  return 'build' in link ? link.build : null;
}

async function placeOf(root: string, link: { destination: string; path: string }): Promise<CurrentLink> {
  const { destination, path } = link;
  const inside = root === sep ? sep : root + sep;
  if (path !== root && !path.startsWith(inside)) return { state: 'outside', ...link };
  const build = basename(path);
  const isBuild = dirname(path) === root && isBuildId(build) && (await stat(path)).isDirectory();
  if (!isBuild) return { state: 'not_a_build', ...link };
  return { state: isAbsolute(destination) ? 'absolute' : 'ok', build, destination };
}

/** EINVAL is readlink(2)'s word for what is no link. */
async function orNull<T>(asked: Promise<T>, path: string): Promise<T | null> {
  return asked.catch((error: unknown) => {
    if (['ENOENT', 'ENOTDIR', 'ELOOP', 'EINVAL'].includes(errnoOf(error) ?? '')) return null;
    throw fileError(error, 'cannot read', path);
  });
}
