import { readdirSync, statSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { withDeadline } from '../base/wait.ts';
import { locate, type Mount, type MountTable, mountOf, placeOn, readMounts } from './mounts.ts';
import { isGone, listPids, ownNamespace, type PathKind, pathsHeld } from './process-paths.ts';

export interface Use {
  /** null: no process, but a mount of the machine */
  pid: number | null;
  /** `mount`: a mount that the process sees shows the path, or stands in it */
  how: PathKind | 'mount';
  /** as the process calls it */
  path: string;
}

/** Who uses what lies in a directory. */
export interface Usage {
  /** by the name directly below the directory; a process once for each name */
  uses: Map<string, Use[]>;
  /** the processes that could be looked at in full, or that have ended meanwhile */
  seen: Set<number>;
  /** the processes that may not be looked at: another user's, without root */
  hidden: Set<number>;
}

/** What is looked for, and how to know it again in another namespace. */
interface Wanted {
  spelled: string;
  real: string;
  /** as `locate` gives it, with a `/` at its end */
  place: string;
  own: MountTable;
  /** the directories below it, by device and inode */
  inodes: Map<string, string>;
}

interface Walk {
  wanted: Wanted;
  usage: Usage;
  /** by mount namespace */
  tables: Map<string, MountTable>;
}

const timeoutMs = 30_000;
/** A walk over all processes holds up nobody for longer than this. */
const sliceMs = 5;
/** Processes that began during the walk are looked at too; on a machine that starts them all the time not for ever. */
const mostRounds = 10;
/** A look at a directory on one of these may never end. */
const remote = /^(?:nfs|cifs|smb|fuse|9p|ceph|afs|lustre|gfs|ocfs|glusterfs)/;

/**
 * Which processes use something in a directory, from one walk over all of them: working directory, root, executable,
 * open and mapped files, paths among the arguments; and which mounts show it or stand in it. Paths are compared by file
 * system, so that bind mounts, containers and other names hide no use.
 * @throws `timeout`; the signal's reason when aborted
 */
export async function usesBelow(directory: string, signal?: AbortSignal): Promise<Usage> {
  const look = { what: 'the look at all processes did not end', timeoutMs, ...(signal ? { signal } : {}) };
  return withDeadline(look, (ended) => walkAll(directory, ended));
}

async function walkAll(directory: string, signal: AbortSignal): Promise<Usage> {
  const [real, own] = await Promise.all([realpath(directory), readMounts('self')]);
  const wanted = { spelled: directory, real, own, place: `${locate(own, real)}/`, inodes: inodesIn(real) };
  const usage: Usage = { uses: new Map(), seen: new Set(), hidden: new Set() };
  const walk = { wanted, usage, tables: new Map([[ownNamespace(), own]]) };
  noteMounts(null, own, walk);
  const known = new Set<number>();
  for (let round = 0; round < mostRounds; round += 1) {
    const fresh = listPids().filter((pid) => !known.has(pid));
    if (fresh.length === 0) break;
    let sliceBegan = performance.now();
    for (const pid of fresh) {
      signal.throwIfAborted();
      known.add(pid);
      await lookAt(pid, walk);
      if (performance.now() - sliceBegan < sliceMs) continue;
      await new Promise(setImmediate);
      sliceBegan = performance.now();
    }
  }
  return usage;
}

async function lookAt(pid: number, walk: Walk): Promise<void> {
  const { usage, wanted } = walk;
  const paths = await pathsHeld(pid);
  (paths === 'hidden' ? usage.hidden : usage.seen).add(pid);
  if (typeof paths === 'string') return;
  const table = await tableOf(pid, paths, walk);
  // It ended meanwhile, and uses nothing any more.
  if (!table) return;
  for (const [how, path] of paths.held) {
    // A process with a root of its own is not told of the mounts outside: most often they are as ours.
    const located = locate(table, path) ?? locate(wanted.own, path);
    const name = nameBelow(wanted, located) ?? namedOtherwise(wanted, how, path);
    if (name !== null) addUse(usage, name, { pid, how, path });
  }
  for (const [how, path] of paths.held) {
    if (how !== 'cwd' && how !== 'root') continue;
    const isRemote = remote.test(mountOf(table, path)?.type ?? '');
    const name = isRemote ? null : nameByInode(`/proc/${pid}/${how}`, wanted);
    if (name !== null) addUse(usage, name, { pid, how, path });
  }
}

/**
 * The mounts that a process sees, read once for all in its namespace; null when it has ended. The kernel tells paths
 * from the root of the namespace, and mounts from the root of the process, which shows fewer where it is another one.
 */
async function tableOf(pid: number, { namespace, root }: { namespace: string; root: string }, walk: Walk) {
  const view = root === '/' ? namespace : `${namespace} ${root}`;
  const known = walk.tables.get(namespace) ?? walk.tables.get(view);
  if (known) return known;
  const table = await readMounts(pid, root).catch((error: unknown) => {
    if (isGone(error)) return null;
    throw error;
  });
  if (!table) return null;
  walk.tables.set(view, table);
  noteMounts(pid, table, walk);
  return table;
}

/** Notes mounts that show something of the directory elsewhere, or that stand in it. */
function noteMounts(pid: number | null, table: MountTable, { wanted, usage }: Walk): void {
  for (const mount of table.values()) {
    const name = nameBelow(wanted, placeOn(mount)) ?? nameBelow(wanted, placeOfPoint(table, mount));
    // Most namespaces begin as copies of ours: what is mounted in ours is told of once.
    if (name === null || (pid !== null && isSame(wanted.own.get(mount.point), mount))) continue;
    addUse(usage, name, { pid, how: 'mount', path: mount.point });
  }
}

function placeOfPoint(table: MountTable, { point }: Mount): string | null {
  const parent = point === '/' ? null : locate(table, dirname(point));
  return parent && `${parent}/${basename(point)}`;
}

function isSame(a: Mount | undefined, b: Mount): boolean {
  return a?.device === b.device && a.root === b.root;
}

/** One use of a process tells enough; those of one process come one after the other. */
function addUse({ uses }: Usage, name: string, use: Use): void {
  const known = uses.get(name);
  if (!known) uses.set(name, [use]);
  else if (use.pid === null || known.at(-1)?.pid !== use.pid) known.push(use);
}

/** The name directly below the directory that a place leads through. */
function nameBelow({ place }: Wanted, located: string | null): string | null {
  return located?.startsWith(place) ? (located.slice(place.length).split('/')[0] as string) : null;
}

/** People may write a path through a link above the directory; the kernel never does. */
function namedOtherwise({ spelled }: Wanted, how: PathKind, path: string): string | null {
  if (how !== 'argument' || !path.startsWith(`${spelled}/`)) return null;
  return path.slice(spelled.length + 1).split('/')[0] as string;
}

/** A mount that was taken away while in use leaves paths that mean nothing; the inodes still do. */
function nameByInode(directory: string, { inodes }: Wanted): string | null {
  let before = '';
  try {
    for (let path = directory; ; path += '/..') {
      const { dev, ino } = statSync(path, { bigint: true });
      const name = inodes.get(`${dev}:${ino}`);
      if (name !== undefined) return name;
      if (before === `${dev}:${ino}`) return null;
      before = `${dev}:${ino}`;
    }
  } catch {
    // It ended, or lies where we may not look: then the paths have to do.
    return null;
  }
}

function inodesIn(directory: string): Map<string, string> {
  const entries = readdirSync(directory, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return new Map(
    entries.map(({ name }) => {
      const { dev, ino } = statSync(join(directory, name), { bigint: true });
      return [`${dev}:${ino}`, name];
    }),
  );
}
