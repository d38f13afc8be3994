import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { basename, join, posix } from 'node:path';
import { CutoverError, errnoOf, messageOf } from '../base/errors.ts';
import { isProcess } from '../base/process.ts';
import { poll, withDeadline } from '../base/wait.ts';

/** A hierarchy that the sandbox gets a part of: how to mount it, and where that part is on the host. */
export interface CgroupMount {
  type: 'cgroup' | 'cgroup2';
  /** for mount(8); what names the hierarchy, without the flags */
  options: string;
  /** the folder below /sys/fs/cgroup, `.` for that folder itself */
  folder: string;
  /** the group on the host below which everything of this sandbox lives */
  group: string;
}

/** Such a part before it is made: `parent` is the group on the host that it will be in. */
type Hierarchy = Omit<CgroupMount, 'group'> & { parent: string };

/** The version 1 controllers that systemd uses; the others stay as they are. */
const controllers = ['cpu', 'cpuacct', 'memory', 'blkio', 'devices', 'pids', 'name=systemd'];
const prefix = 'cutover-sandbox';
const rootFolder = '/sys/fs/cgroup';

/**
 * Makes a group in every hierarchy that systemd needs, below the caller's own so that its limits hold.
 * Two sandboxes then never meet in one group. Groups of owners that died are removed on the way.
 * @throws `sandbox` where no hierarchy is mounted or a group cannot be made
 */
export async function makeCgroups(): Promise<CgroupMount[]> {
  const mounts = await mountedHierarchies();
  const name = `${prefix}.${process.pid}.${randomBytes(4).toString('hex')}`;
  const made: CgroupMount[] = [];
  try {
    for (const { parent, ...mount } of mounts) {
      await removeAbandoned(parent);
      if (mount.folder === '.') await enableControllers(parent);
      const group = join(parent, name);
      await mkdir(group);
      made.push({ ...mount, group });
    }
  } catch (error) {
    await removeCgroups(made);
    throw new CutoverError('sandbox', 'cannot make a cgroup', {
      mend: 'run as root, outside of an unprivileged container',
      cause: error,
    });
  }
  return made;
}

async function mountedHierarchies(): Promise<Hierarchy[]> {
  const mounts = parseHierarchies(
    await readFile('/proc/self/mountinfo', 'utf8'),
    await readFile('/proc/self/cgroup', 'utf8'),
  );
  if (mounts.length > 0) return mounts;
  throw new CutoverError('sandbox', `no cgroup hierarchy is mounted in ${rootFolder}`, { mend: 'mount | grep cgroup' });
}

/**
 * Removes the groups with all below them, and kills what is still in them.
 * @throws `timeout` after 60 s, with the processes that did not end: one that writes to a busy disk cannot be killed
 */
export async function removeCgroups(mounts: readonly CgroupMount[]): Promise<void> {
  for (const { group } of mounts) {
    const what = `the processes of ${group} did not end`;
    await withDeadline({ what, timeoutMs: 60_000 }, (signal) =>
      poll({ everyMs: 5, signal }, () => removeTree(group)),
    ).catch(async (error: unknown) => {
      throw new CutoverError('timeout', `${messageOf(error)}: ${await describeMembers(group)}`, { cause: error });
    });
  }
}

/**
 * Finds the hierarchies and the caller's place in each.
 * @param mountinfo the text of /proc/self/mountinfo (proc(5))
 * @param own the text of /proc/self/cgroup (cgroups(7))
 */
export function parseHierarchies(mountinfo: string, own: string): Hierarchy[] {
  const found = mountinfo.split('\n').flatMap((line) => {
    const [left = '', right = ''] = line.split(' - ');
    const [, , , root = '/', place = ''] = left.split(' ');
    const [type, , superOptions = ''] = right.split(' ');
    if (!place.startsWith(rootFolder) || (type !== 'cgroup' && type !== 'cgroup2')) return [];
    const names = type === 'cgroup2' ? [''] : superOptions.split(',').filter((option) => controllers.includes(option));
    if (names.length === 0) return [];
    const folder = posix.relative(rootFolder, place) || '.';
    // A cgroup2 group with processes of its own can pass no controller on: use the top of the tree.
    const parent = folder === '.' ? place : join(place, posix.relative(root, ownGroup(own, names[0] ?? '')));
    return [{ type, options: names.join(','), folder, parent } as const];
  });
  return found.toSorted((a, b) => a.folder.localeCompare(b.folder));
}

function ownGroup(own: string, name: string): string {
  const lines = own.split('\n').map((line) => line.split(':'));
  return lines.find(([, names = '']) => names.split(',').includes(name))?.[2] ?? '/';
}

async function enableControllers(parent: string): Promise<void> {
  for (const name of ['cpu', 'memory', 'pids', 'io']) {
    // Refused inside some containers: the sandbox then runs without this accounting.
    await writeFile(join(parent, 'cgroup.subtree_control'), `+${name}`).catch(() => {});
  }
}

async function removeAbandoned(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    const [word, owner] = name.split('.');
    if (word === prefix && !isProcess(Number(owner))) await removeTree(join(parent, name));
  }
}

/** True once the tree is gone; undefined while something in it is busy. */
async function removeTree(path: string): Promise<true | undefined> {
  try {
    for (const entry of await readdir(path, { withFileTypes: true })) {
      if (entry.isDirectory()) await removeTree(join(path, entry.name));
    }
    await rmdir(path);
  } catch (error) {
    if (errnoOf(error) === 'EBUSY' || errnoOf(error) === 'ENOTEMPTY') return killMembers(path);
    if (errnoOf(error) !== 'ENOENT')
      throw new CutoverError('sandbox', `cannot remove the cgroup ${basename(path)}`, { cause: error });
  }
  return true;
}

async function killMembers(group: string): Promise<undefined> {
  for (const pid of await membersOf(group)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended in between.
    }
  }
}

/** The processes of a group as the host numbers them (cgroups(7), cgroup.procs); none once it is gone. */
async function membersOf(group: string): Promise<number[]> {
  const text = await readFile(join(group, 'cgroup.procs'), 'utf8').catch(() => '');
  // 0 is a process that this one's namespace does not show: kill(2) would take it for the caller's own group.
  return text.split('\n').map(Number).filter(Boolean);
}

async function describeMembers(group: string): Promise<string> {
  const folders = await readdir(group, { recursive: true, withFileTypes: true }).catch(() => []);
  const groups = [group, ...folders.filter((one) => one.isDirectory()).map((one) => join(one.parentPath, one.name))];
  const pids = (await Promise.all(groups.map(membersOf))).flat();
  const states = pids.map(async (pid) => readFile(`/proc/${pid}/stat`, 'utf8').catch(() => `${pid} gone`));
  const told = (await Promise.all(states)).map((stat) => stat.split(' ', 3).join(' '));
  return `${groups.length} groups; ${told.join(', ') || 'no process'}`;
}
