import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** A mount of one mount namespace. */
export interface Mount {
  /** `major:minor` of the file system */
  device: string;
  /** the directory of the file system that is seen */
  root: string;
  /** where it is seen */
  point: string;
  /** `ext4`, `nfs4` … */
  type: string;
}

/** The mounts of one namespace; of several at one point the last one is seen. */
export type MountTable = Map<string, Mount>;

/**
 * The mounts that a process sees (`/proc/PID/mountinfo`, proc_pid_mountinfo(5)).
 * @param root the process's root directory, which its mount points are told from
 * @throws the errno of a process that is gone or may not be looked at
 */
export async function readMounts(pid: number | 'self', root = '/'): Promise<MountTable> {
  return parseMounts(await readFile(`/proc/${pid}/mountinfo`, 'utf8'), root);
}

/** Reads the text of a `mountinfo`. */
export function parseMounts(text: string, root = '/'): MountTable {
  const table: MountTable = new Map();
  for (const line of text.split('\n')) {
    const fields = line.split(' ');
    const [, , device, shown, seenAt] = fields;
    if (device === undefined || shown === undefined || seenAt === undefined) continue;
    const point = root === '/' ? unescape(seenAt) : join(root, unescape(seenAt)).replace(/\/$/, '');
    table.set(point, { device, root: unescape(shown), point, type: fields[fields.indexOf('-') + 1] ?? '' });
  }
  return table;
}

/** The mount that a path lies on. */
export function mountOf(table: MountTable, path: string): Mount | null {
  for (let at = path; ; at = dirname(at)) {
    const mount = table.get(at);
    if (mount) return mount;
    if (at === '/' || at === '.') return null;
  }
}

/**
 * The one name of a file whatever it is called in a namespace: its file system, and its path there. Two names of one
 * file, one of them through a bind mount or in a container, give the same.
 */
export function locate(table: MountTable, path: string): string | null {
  const mount = mountOf(table, path);
  return mount && placeOn(mount, path.slice(mount.point === '/' ? 0 : mount.point.length));
}

/** The same for what a mount shows. */
export function placeOn({ device, root }: Mount, rest = ''): string {
  return `${device}:${root === '/' ? '' : root}${rest === '/' ? '' : rest}`;
}

/** Spaces, tabs, line ends and backslashes are written as octal numbers. */
function unescape(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}
