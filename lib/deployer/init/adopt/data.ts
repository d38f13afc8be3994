import type { Stats } from 'node:fs';
import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { errnoOf, fileError } from '../../../base/errors.ts';

/** What lies in a directory that is to become a build. */
export interface Contents {
  bytes: number;
  /** what the service itself writes, by its path below the directory: it must not be split from what is written next */
  data: string[];
  /** what names the directory by its full path, and would go on to do so in a copy */
  bound: string[];
  /** the folders that hold something else than data, by their paths below the directory */
  mixed: ReadonlySet<string>;
}

/** Files in which services keep what they know. */
const dataNames = /\.(sqlite3?|db3?|mdb|rdb|aof|sock)$|\.(sqlite3?|db3?)-(wal|shm|journal)$/;
/** The mark of a Python environment: its programs name it in full. */
const environmentName = 'pyvenv.cfg';
/** O_WRONLY or O_RDWR (open(2)), as /proc/PID/fdinfo has them in octal. */
const writingBits = 0o3;

/** What is left out, and what counts as data. */
export interface Looking {
  /** absolute paths that are left out */
  shared: readonly string[];
  /** what was written after this moment is data: the start of the service */
  sinceMs: number;
  /** the service's processes: what they have open for writing is data */
  pids: readonly number[];
  signal: AbortSignal;
}

/**
 * Looks through a directory.
 * @throws `permission`; the signal's reason when aborted
 */
export async function lookThrough(source: string, { shared, sinceMs, pids, signal }: Looking): Promise<Contents> {
  const open = await writtenBy(pids);
  const mixed = new Set<string>();
  const found: Contents = { bytes: 0, data: [], bound: [], mixed };
  for await (const { path, facts } of entriesOf(source, shared)) {
    signal.throwIfAborted();
    found.bytes += facts.blocks * 512;
    const name = relative(source, path);
    if (facts.isDirectory()) continue;
    const isLink = facts.isSymbolicLink();
    const isData = !isLink && (!facts.isFile() || open.has(path) || dataNames.test(path) || facts.mtimeMs > sinceMs);
    if (isData) found.data.push(name);
    else addFolders(name, mixed);
    if (isLink && isBelow(await readlink(path), source)) found.bound.push(name);
    if (path.endsWith(`/${environmentName}`)) found.bound.push(dirname(name));
  }
  // What is shared already is no part of what can be shared with it.
  for (const path of shared) addFolders(relative(source, path), mixed);
  return found;
}

/**
 * All that lies in a directory, the directory itself first; what goes meanwhile is left out.
 * @param shared absolute paths that are left out
 * @throws `permission`
 */
export async function* entriesOf(
  source: string,
  shared: readonly string[],
): AsyncGenerator<{ path: string; facts: Stats }> {
  const waiting = [source];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (shared.includes(path)) continue;
    const facts = await lstat(path).catch(unlessGone(path));
    if (facts === null) continue;
    yield { path, facts };
    const names = facts.isDirectory() ? await readdir(path).catch(unlessGone(path)) : null;
    for (const name of names ?? []) waiting.push(join(path, name));
  }
}

function addFolders(name: string, folders: Set<string>): void {
  for (let folder = dirname(name); folder !== '.' && !folders.has(folder); folder = dirname(folder))
    folders.add(folder);
}

function unlessGone(path: string): (error: unknown) => null {
  return (error) => {
    if (errnoOf(error) === 'ENOENT') return null;
    throw fileError(error, 'cannot read', path);
  };
}

/** What to name of it: a folder rather than each file in it, but none that holds anything else, such as the code. */
export function suggested({ data, mixed }: Pick<Contents, 'data' | 'mixed'>): string[] {
  const isWhole = (folder: string): boolean => folder !== '.' && !mixed.has(folder);
  return [...new Set(data.map((name) => (isWhole(dirname(name)) ? dirname(name) : name)))]
    .filter((name, _, all) => !all.some((other) => name.startsWith(`${other}/`)))
    .toSorted();
}

/** The files that processes have open for writing; what may not be seen is left out. */
async function writtenBy(pids: readonly number[]): Promise<Set<string>> {
  const found = await Promise.all(
    pids.map(async (pid) => {
      const descriptors = await readdir(`/proc/${pid}/fd`).catch(() => []);
      return Promise.all(
        descriptors.map(async (number) => {
          const flags = /^flags:\s+(\d+)/m.exec(
            await readFile(`/proc/${pid}/fdinfo/${number}`, 'utf8').catch(() => ''),
          );
          const isWriting = (Number.parseInt(flags?.[1] ?? '0', 8) & writingBits) !== 0;
          return isWriting ? readlink(`/proc/${pid}/fd/${number}`).catch(() => '') : '';
        }),
      );
    }),
  );
  return new Set(found.flat());
}

function isBelow(path: string, directory: string): boolean {
  return path === directory || path.startsWith(`${directory}/`);
}
