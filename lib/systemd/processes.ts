import { readFileSync, readlinkSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { errnoOf } from '../base/errors.ts';
import { isThere } from '../base/files.ts';
import { statField } from '../base/process.ts';
import type { ManagerKind } from '../config/model.ts';
import { commandLineOf } from './command-line.ts';
import { type Listener, listListeners, ownersOf } from './sockets.ts';

/** What is known of a process. What we may not read, as another user's, is null. */
export interface ProcessFacts {
  pid: number;
  /** its arguments without secrets; its name in brackets where it has none */
  command: string;
  executable: string | null;
  /** the path alone, also when it is gone */
  cwd: string | null;
  /** whether the working directory was removed, as a pruned build is */
  cwdDeleted: boolean;
  /** the service, scope or socket it belongs to */
  unit: string | null;
  /** whose unit that is; of the manager of which user, `uid` tells */
  manager: ManagerKind;
  /** clock ticks from boot to its start: with the pid it names the process for good */
  startTicks: number;
  /** the effective user */
  uid: number;
  /** dead, and not yet waited for by its parent */
  isZombie: boolean;
}

/** A listener and who holds it; `processes` is empty where we may not look. */
export interface PortHolder {
  listener: Listener;
  processes: ProcessFacts[];
}

/** Tells what a process is (proc(5)), or null when there is no such process any more. */
export async function describeProcess(pid: number): Promise<ProcessFacts | null> {
  const stat = readOr(pid, 'stat');
  if (stat === null) return null;
  // The arguments lie in the process' own memory, which may have to be waited for; the rest the kernel knows.
  const args = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(nullIfHidden);
  const [status, cgroup] = [readOr(pid, 'status'), readOr(pid, 'cgroup')];
  const [executable, cwd] = await Promise.all([pathBehind(pid, 'exe'), pathBehind(pid, 'cwd')]);
  const { name, startTicks } = parseStat(stat);
  // The pid may have got a new process while we read.
  const again = readOr(pid, 'stat');
  if (again === null || parseStat(again).startTicks !== startTicks) return null;
  return {
    pid,
    command: commandLineOf(args ? args.replace(/\0+$/, '').split('\0') : [`[${name}]`]),
    executable: executable?.path ?? null,
    cwd: cwd?.path ?? null,
    cwdDeleted: cwd?.isDeleted ?? false,
    unit: cgroup === null ? null : unitIn(cgroup),
    manager: /\/user@\d+\.service\/./.test(cgroup ?? '') ? 'user' : 'system',
    startTicks,
    ...parseStatus(status ?? ''),
  };
}

/** When a process began, in clock ticks since the boot; null: it is gone. With its number that names it for good. */
export function startTicksOf(pid: number): number | null {
  const stat = readOr(pid, 'stat');
  return stat === null ? null : parseStat(stat).startTicks;
}

/** Directory and executable of a process, as far as they may be seen; of one that is gone, none. */
export async function placesOf(pid: number): Promise<string[]> {
  const places = await Promise.all(['cwd', 'exe'].map((name) => pathBehind(pid, name)));
  return places.flatMap((place) => place?.path ?? []);
}

/** The system's own manager, which makes the sockets of its socket units. */
export const serviceManagerPid = 1;

/** Whether a process is systemd itself, the system's or a user's (init.scope, systemd.special(7)). */
export function isServiceManager({ pid, command, unit }: ProcessFacts): boolean {
  return (
    pid === serviceManagerPid ||
    (/(^|\/)systemd( |$)/.test(command) && (unit === null || /^(init\.scope|user@\d+\.service)$/.test(unit)))
  );
}

/** Who listens on a port: one entry for each listening socket, with all processes that hold it. */
export async function portHolders(port: number): Promise<PortHolder[]> {
  return holdersOf(await listListeners([port]));
}

/** The same of listeners that are known. */
export async function holdersOf(listeners: readonly Listener[]): Promise<PortHolder[]> {
  const owners = await ownersOf(new Set(listeners.map(({ inode }) => inode)));
  return Promise.all(
    listeners.map(async (listener) => {
      const facts = await Promise.all((owners.get(listener.inode) ?? []).map(describeProcess));
      return { listener, processes: facts.filter((one) => one !== null) };
    }),
  );
}

/**
 * Whether a listener belongs to the user of one of these processes. Without root the descriptors of another user's
 * process cannot be seen; the socket's own user can (proc_pid_net(5)).
 */
export async function isOfSameUser({ uid }: Listener, pids: readonly number[]): Promise<boolean> {
  const uids = await Promise.all(pids.map(async (pid) => (await describeProcess(pid))?.uid));
  return uids.includes(uid);
}

/** The unit that a process belongs to; null: none, or there is no such process. */
export function unitOf(pid: number): string | null {
  const cgroup = readOr(pid, 'cgroup');
  return cgroup === null ? null : unitIn(cgroup);
}

/**
 * The unit in the text of `/proc/PID/cgroup`: the innermost service, scope or socket. Which hierarchy holds the
 * units depends on the host, and the other one may say `/`: the first that names a unit counts.
 */
export function unitIn(cgroup: string): string | null {
  for (const hierarchy of [/^0::(.*)$/m, /^\d+:name=systemd:(.*)$/m]) {
    const path = hierarchy.exec(cgroup)?.[1] ?? '';
    const unit = path.split('/').findLast((part) => /.\.(?:service|scope|socket)$/.test(part));
    if (unit !== undefined) return unit;
  }
  return null;
}

/** Name and start time in the text of `/proc/PID/stat`. */
export function parseStat(stat: string): { name: string; startTicks: number } {
  return { name: stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')')), startTicks: statField(stat, 22) };
}

/** What is known from the text of `/proc/PID/status`; a text that may not be read is empty. */
function parseStatus(status: string): Pick<ProcessFacts, 'isZombie' | 'uid'> {
  return {
    isZombie: /^State:\s+Z/m.test(status),
    uid: Number(/^Uid:\s+\d+\s+(\d+)/m.exec(status)?.[1] ?? -1),
  };
}

function readOr(pid: number, name: string): string | null {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch (error) {
    return nullIfHidden(error);
  }
}

/** The kernel adds " (deleted)" to what was removed; a real name may end like this as well. */
async function pathBehind(pid: number, name: string): Promise<{ path: string; isDeleted: boolean } | null> {
  const mark = ' (deleted)';
  const path = targetOf(`/proc/${pid}/${name}`);
  if (path === null || !path.endsWith(mark)) return path === null ? null : { path, isDeleted: false };
  return (await isThere(path)) ? { path, isDeleted: false } : { path: path.slice(0, -mark.length), isDeleted: true };
}

function targetOf(link: string): string | null {
  try {
    return readlinkSync(link);
  } catch (error) {
    return nullIfHidden(error);
  }
}

function nullIfHidden(error: unknown): null {
  if (['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes(errnoOf(error) ?? '')) return null;
  throw error;
}
