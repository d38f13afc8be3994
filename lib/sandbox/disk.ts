import { randomBytes } from 'node:crypto';
import { chmod, lstat, mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CutoverError, errnoOf } from '../base/errors.ts';
import { exec } from '../base/exec.ts';
import { readIfThere } from '../base/files.ts';

/** Where each folder of a disk is mounted. Everything else of the host is visible as it is. */
export const places = {
  etc: '/etc',
  srv: '/srv',
  lib: '/var/lib',
  log: '/var/log',
  backups: '/var/backups',
} as const;

/** Folders that are empty at each boot, since they are in memory. */
const fresh = ['/run', '/tmp', '/var/tmp'];

const unitFolder = '/lib/systemd/system';
const generatorFolder = '/lib/systemd/system-generators';

/** What of the host's own units a boot may start. The rest is about devices, clocks and terminals of the host. */
const wanted = new Set([
  'dbus.service',
  'dbus.socket',
  'systemd-journal-flush.service',
  'systemd-journald-dev-log.socket',
  'systemd-journald.service',
  'systemd-journald.socket',
  'systemd-logind.service',
  'systemd-tmpfiles-setup.service',
  'systemd-user-sessions.service',
]);

/** These are started by others than a target. */
const alsoUnwanted = [
  'modprobe@.service',
  'getty@.service',
  'serial-getty@.service',
  'console-getty.service',
  'systemd-remount-fs.service',
  'systemd-udevd.service',
];

/**
 * Gives a folder what a first boot needs: a copy of the host's /etc without its units and cutover's configuration, which are for
 * whoever boots it to make, and empty folders.
 * A folder that has it already is left as it is: that is a disk after a power cut.
 * @throws `sandbox` when the host's /etc cannot be copied
 */
export async function prepareDisk(disk: string): Promise<void> {
  const prepared = join(disk, 'prepared');
  if ((await readIfThere(prepared)) !== null) return;
  for (const folder of ['dev', 'srv', 'lib', 'log/journal', 'backups'])
    await mkdir(join(disk, folder), { recursive: true });
  const etc = join(disk, 'etc');
  const copied = await exec(['cp', '--archive', '--no-target-directory', '/etc/.', etc], { timeoutMs: 60_000 });
  if (copied.code !== 0)
    throw new CutoverError('sandbox', `cannot copy /etc: ${copied.stderr.trim()}`, { mend: `df -h ${disk}` });
  await ownFolder(join(etc, 'systemd'));
  for (const made of [join(etc, 'systemd/system'), join(etc, 'cutover')])
    await rm(made, { recursive: true, force: true });
  for (const folder of ['system', 'system.control', 'system-generators', 'system.conf.d', 'journald.conf.d']) {
    await ownFolder(join(etc, 'systemd', folder));
  }
  await maskUnits(join(etc, 'systemd'));
  await writeIdentity(etc);
  await writeDefaults(join(etc, 'systemd'));
  await keepToOwnFolders(join(etc, 'systemd'));
  await writeFile(prepared, '');
}

/** The name on the host of a path on a sandbox's disk, or null when it is not on the disk. */
export function pathOnDisk(disk: string, inside: string): string | null {
  for (const [folder, place] of Object.entries(places)) {
    if (inside === place || inside.startsWith(`${place}/`)) return join(disk, folder, inside.slice(place.length));
  }
  return null;
}

/** /etc/systemd/system.control comes before /etc/systemd/system (systemd.unit(5)), which so stays empty. */
async function maskUnits(systemd: string): Promise<void> {
  const unwanted = new Set(alsoUnwanted);
  for (const folder of (await readdir(unitFolder)).filter((name) => name.endsWith('.wants'))) {
    for (const unit of await readdir(join(unitFolder, folder))) {
      if (!wanted.has(unit) && !unit.endsWith('.target')) unwanted.add(unit);
    }
  }
  for (const unit of unwanted) await mask(join(systemd, 'system.control', unit));
  for (const generator of await readdir(generatorFolder)) await mask(join(systemd, 'system-generators', generator));
}

async function mask(path: string): Promise<void> {
  await symlink('/dev/null', path).catch((error: unknown) => {
    if (errnoOf(error) !== 'EEXIST') throw error;
  });
}

async function writeIdentity(etc: string): Promise<void> {
  const hosts = (await readIfThere(join(etc, 'hosts'))) ?? '';
  await writeOwn(join(etc, 'machine-id'), `${randomBytes(16).toString('hex')}\n`, 0o444);
  await writeOwn(join(etc, 'hostname'), 'sandbox\n');
  await writeOwn(join(etc, 'hosts'), `${hosts}\n127.0.1.1 sandbox\n`);
  await writeOwn(join(etc, 'fstab'), '');
}

async function writeDefaults(systemd: string): Promise<void> {
  await writeOwn(
    join(systemd, 'journald.conf.d/sandbox.conf'),
    '[Journal]\nStorage=persistent\nSystemMaxUse=64M\nReadKMsg=no\nAudit=no\n',
  );
  await writeOwn(
    join(systemd, 'system.conf.d/sandbox.conf'),
    '[Manager]\nDefaultCPUAccounting=yes\nDefaultMemoryAccounting=yes\nDefaultTasksAccounting=yes\n',
  );
}

/**
 * The machine's rules of tmpfiles.d(5) also clean up, and set modes anew, as only a boot of the machine itself may. So they are
 * followed where all is new and the sandbox's own; in its copy of /etc they have been, and links lead out of that.
 */
async function keepToOwnFolders(systemd: string): Promise<void> {
  const prefixes = [...fresh, places.lib, places.log].map((place) => `--prefix=${place}`);
  const dropIns = join(systemd, 'system.control/systemd-tmpfiles-setup.service.d');
  await ownFolder(dropIns);
  const command = `systemd-tmpfiles --create --boot ${prefixes.join(' ')}`;
  await writeOwn(join(dropIns, 'sandbox.conf'), `[Service]\nExecStart=\nExecStart=${command}\n`);
}

/** A link in the copy of /etc may lead back to the machine's own folder: one of the sandbox takes its place. */
async function ownFolder(path: string): Promise<void> {
  const isLink = await lstat(path).then(
    (stats) => stats.isSymbolicLink(),
    () => false,
  );
  if (isLink) await rm(path);
  await mkdir(path, { recursive: true });
}

/** … and so does a file of the sandbox. */
async function writeOwn(path: string, text: string, mode = 0o644): Promise<void> {
  await rm(path, { force: true });
  await writeFile(path, text, { flag: 'wx' });
  await chmod(path, mode);
}
