import { lstat, readlink, realpath } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import type { Command } from '../base/exec.ts';
import { ownerOf } from './intake/owner.ts';
import { complaint } from './intake/refusal.ts';

/** What a service writes outside of its builds, below the directory that it ran in once: every build has links to it. */
export interface Sharing {
  source: string;
  /** absolute, below `source` */
  shared: readonly string[];
  /** the file that says so */
  record: string;
}

/** A link that a build has, or is to have. */
export interface SharedLink {
  /** its path in the build */
  name: string;
  /** where it leads */
  path: string;
  /** what of the build's own is in its place, by its path in the build; null: nothing */
  taken: string | null;
  isThere: boolean;
}

const commandMs = 60_000;

/** Looks which links to what is shared a build has, and which it lacks. @param build the build's directory */
export function sharedLinks(build: string, { source, shared }: Sharing): Promise<SharedLink[]> {
  return Promise.all(
    shared.map(async (path) => {
      const name = relative(source, path);
      const isLinked = await leadsTo(join(build, name), path);
      return { name, path, isThere: isLinked, taken: isLinked ? null : await takenBy(build, name) };
    }),
  );
}

/**
 * Makes the links that a build lacks, in the name of whom the build belongs to, and never over anything that is there. Safe to
 * repeat.
 * @returns those in whose place the build has something of its own
 * @throws `permission`, `disk`, `failed`; the signal's reason when aborted
 */
export async function linkShared(build: string, sharing: Sharing, signal: AbortSignal): Promise<SharedLink[]> {
  const links = await sharedLinks(build, sharing);
  const lacking = links.filter(({ isThere, taken }) => !isThere && taken === null);
  if (lacking.length === 0) return links.filter(({ taken }) => taken !== null);
  const root = join(await realpath(dirname(build)), basename(build));
  const owner = ownerOf(await lstat(root));
  for (const { name, path } of lacking) {
    const { code, stderr } = await owner.exec(linkCommand(root, name, path), {
      timeoutMs: commandMs,
      signal,
      env: { LC_ALL: 'C' },
    });
    // Somebody else may have made it meanwhile.
    if (code !== 0 && !(await leadsTo(join(build, name), path))) throw complaint(stderr, 'cannot make a link in', root);
  }
  return links.filter(({ taken }) => taken !== null);
}

/** Whether a path in a build is to be disregarded by who compares it with what was taken in: a link of ours, or on the way to one. */
export function isShared(path: string, to: string, { source, shared }: Sharing): boolean {
  return shared.some((one) => {
    const name = relative(source, one);
    return name === path ? to === one : name.startsWith(`${path}/`);
  });
}

/** Whoever owns the builds directory may put a link in the place of a folder: where it is, is asked once more from the inside. */
function linkCommand(root: string, name: string, path: string): Command {
  const script = [
    'umask 022',
    'enter() { cd -P -- "$1" && [ "$(pwd -P)" = "$2" ] || { echo "$2 is not where it was" >&2; exit 1; }; }',
    'enter "$1" "$1"',
    'mkdir -p -- "$2"',
    'enter "./$2" "$3"',
    'ln -s -T -- "$4" "$5"',
    'sync -- . "$1"',
  ];
  const folder = dirname(name);
  return ['sh', '-e', '-c', script.join('\n'), 'sh', root, folder, join(root, folder), path, basename(name)];
}

/** A hook may have made the link itself, by another way to the same place. */
async function leadsTo(link: string, path: string): Promise<boolean> {
  if ((await readlink(link).catch(() => null)) === path) return true;
  const [led, real] = await Promise.all([link, path].map((one) => realpath(one).catch(() => null)));
  return led !== null && led === real;
}

/** The first thing on the way that is no directory, or what is at its end. */
async function takenBy(build: string, name: string): Promise<string | null> {
  const parts = name.split('/');
  for (let depth = 1; depth <= parts.length; depth += 1) {
    const at = parts.slice(0, depth).join('/');
    const facts = await lstat(join(build, at)).catch(() => null);
    if (facts === null) return null;
    if (depth === parts.length || !facts.isDirectory()) return at;
  }
  return null;
}
