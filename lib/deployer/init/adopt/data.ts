import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileError } from '../../../base/errors.ts';

/** What lies in a directory that is to become a build. */
export interface Contents {
  bytes: number;
  /** what the service itself writes, by its path below the directory: it must not be split from what is written next */
  data: string[];
  /** what names the directory by its full path, and would go on to do so in a copy */
  bound: string[];
}

/** Files in which services keep what they know. */
const dataNames = /\.(sqlite3?|db3?|mdb|rdb|aof|lock|pid|sock)$|\.(sqlite3?|db3?)-(wal|shm|journal)$/;
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
  const found: Contents = { bytes: 0, data: [], bound: [] };
  const waiting = [source];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    signal.throwIfAborted();
    if (shared.includes(path)) continue;
    const facts = await lstat(path).catch(unreadable(path));
    found.bytes += facts.blocks * 512;
    const name = relative(source, path);
    if (facts.isDirectory()) {
      const names = await readdir(path).catch(unreadable(path));
      waiting.push(...names.map((one) => join(path ?? '', one)));
    } else if (facts.isSymbolicLink()) {
      if (isBelow(await readlink(path), source)) found.bound.push(name);
    } else if (!facts.isFile() || open.has(path) || dataNames.test(path) || facts.mtimeMs > sinceMs)
      found.data.push(name);
    if (path.endsWith(`/${environmentName}`)) found.bound.push(dirname(name));
  }
  return found;
}

function unreadable(path: string): (error: unknown) => never {
  return (error) => {
    throw fileError(error, 'cannot read', path);
  };
}

/** What to name of it: a folder rather than each file in it, and a file only where it lies at the top. */
export function suggested(data: readonly string[]): string[] {
  return [...new Set(data.map((name) => (name.includes('/') ? dirname(name) : name)))]
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
