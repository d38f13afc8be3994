import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { errnoOf } from '../base/errors.ts';

/** How a process holds a path. */
export type PathKind = 'cwd' | 'root' | 'executable' | 'open' | 'mapped' | 'argument';

/** The paths that a process holds, as they are called in its mount namespace. */
export interface ProcessPaths {
  /** the mount namespace, as the kernel names it: processes in the same one see the same mounts */
  namespace: string;
  root: string;
  held: [how: PathKind, path: string][];
}

/** PF_KTHREAD in include/linux/sched.h */
const kernelThread = 0x0020_0000;

/** The mount namespace of this process. */
export function ownNamespace(): string {
  return readlinkSync('/proc/self/ns/mnt');
}

/** The ids of all processes. */
export function listPids(): number[] {
  return readdirSync('/proc').map(Number).filter(Number.isInteger);
}

/**
 * The paths that a process holds (proc(5)).
 * @returns `gone`: it has ended, or holds none, as a thread of the kernel; `hidden`: we may not look, since it is
 * another user's and we are not root
 */
export async function pathsHeld(pid: number): Promise<ProcessPaths | 'gone' | 'hidden'> {
  try {
    return (await readPaths(pid)) ?? 'gone';
  } catch (error) {
    if (isGone(error)) return 'gone';
    if (!['EACCES', 'EPERM'].includes(errnoOf(error) ?? '')) throw error;
    return holdsNothing(pid) ? 'gone' : 'hidden';
  }
}

async function readPaths(pid: number): Promise<ProcessPaths | null> {
  const at = `/proc/${pid}`;
  const [cwd, root, executable] = ['cwd', 'root', 'exe'].map((name) => linkOrNull(`${at}/${name}`));
  const open = readdirSync(`${at}/fd`).map((name) => linkOrNull(`${at}/fd/${name}`));
  const [maps = '', args = ''] = await Promise.all(
    ['maps', 'cmdline'].map((name) => readFile(`${at}/${name}`, 'utf8')),
  );
  const namespace = linkOrNull(`${at}/ns/mnt`);
  if (!root || !namespace) return null;
  const held: ProcessPaths['held'] = [];
  const add = (how: PathKind, paths: readonly (string | null | undefined)[]): void => {
    for (const path of paths) if (path?.startsWith('/')) held.push([how, path]);
  };
  add('cwd', [cwd]);
  add('executable', [executable]);
  add('root', [root]);
  add('open', open);
  add('mapped', [...new Set(maps.match(/\/.*/g))]);
  // An interpreter has its script neither open nor mapped: that it was named to it is all there is to see.
  add('argument', args.match(/\/[^\s"'`:;,=|&<>()\0]+/g) ?? []);
  return { namespace, root, held };
}

/** A thread of the kernel and a zombie hold no files, and show that to root alone; what they are they show to all. */
function holdsNothing(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // Behind the name come state, ppid, pgrp, session, tty, tpgid, flags (proc_pid_stat(5)).
    const [state = '', , , , , , flags = ''] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return 'ZX'.includes(state) || (Number(flags) & kernelThread) !== 0;
  } catch (error) {
    if (isGone(error)) return true;
    throw error;
  }
}

function linkOrNull(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch (error) {
    if (isGone(error)) return null;
    throw error;
  }
}

/** Whether an error means that the process, or the one thing asked for, has ended. */
export function isGone(error: unknown): boolean {
  return ['ENOENT', 'ESRCH', 'EINVAL', 'ENOTDIR'].includes(errnoOf(error) ?? '');
}
