// needs: sandbox
// runs: alone
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import * as assert from 'uvu/assert';
import { prepareDisk } from '../../lib/sandbox/disk.ts';
import { bootSandbox } from '../../lib/sandbox/sandbox.ts';
import { type Command, exec, start } from '../../lib/base/exec.ts';
import { until } from '../deploy/site.ts';
import { repository } from '../sandboxed.ts';
import { suite, type TestContext } from '../suite.ts';

const test = suite('the host of a sandbox');

test("a boot follows the machine's tmpfiles rules in the sandbox's own folders alone", async (t) => {
  const [disk, from] = [await folderOf(t), await folderOf(t)];
  await mkdir(join(from, 'open'));
  await chmod(join(from, 'open'), 0o755);
  await writeFile(join(from, 'open/kept'), '');
  await writeFile(join(from, 'lock'), '');
  await prepareDisk(disk);
  const rules = ['D! /mnt/open 0700', 'r! /mnt/lock', 'd /mnt/new', 'd /run/new', 'd /var/lib/new'];
  await mkdir(join(disk, 'etc/tmpfiles.d'), { recursive: true });
  await writeFile(join(disk, 'etc/tmpfiles.d/site.conf'), `${rules.join('\n')}\n`);
  const sandbox = await bootSandbox({ disk, binds: [{ from, to: '/mnt' }] });
  t.cleanup(() => sandbox.end());
  assert.is(sandbox.state, 'running');
  assert.equal((await readdir(from)).toSorted(), ['lock', 'open']);
  assert.equal(await readdir(join(from, 'open')), ['kept']);
  assert.is((await stat(join(from, 'open'))).mode & 0o777, 0o755);
  assert.is((await sandbox.exec(['test', '-d', '/run/new'])).code, 0);
  assert.is((await sandbox.exec(['test', '-d', '/var/lib/new'])).code, 0);
});

for (const moment of ['boots it', 'has booted it']) {
  test(`a process that is killed while it ${moment} leaves no copy of /etc behind`, async (t) => {
    const folder = await folderOf(t);
    const library = join(repository, 'lib/sandbox/sandbox.ts');
    const program = 'import(process.argv[1]).then(({ bootSandbox }) => bootSandbox()).then(() => console.log(1))';
    const words = ['--import', 'tsx', '-e', program, library];
    const owner = await start([process.execPath, ...words], { cwd: repository, env: { TMPDIR: folder } });
    t.cleanup(() => void owner.kill('SIGKILL'));
    const isUp = once(owner.stdout, 'data').then(() => true);
    const hasCopied = async (): Promise<boolean> => (await listed(folder)).some((path) => path.endsWith('/etc'));
    if (moment === 'boots it') await until('it copies', hasCopied);
    else await isUp;
    owner.kill('SIGKILL');
    await owner.ended;
    await until('nothing is left', async () => (await listed(folder)).length === 0);
  });
}

const inSystemd = ['system', 'system.control', 'system-generators', 'system.conf.d', 'journald.conf.d'];
const linked: Record<string, readonly string[]> = {
  'its files': ['hostname', 'hosts', 'fstab', 'machine-id'],
  'the one folder of systemd': ['systemd'],
  'the folder of cutover': ['cutover'],
  'the folders of systemd': inSystemd.map((name) => `systemd/${name}`),
};

for (const [what, paths] of Object.entries(linked)) {
  test(`where /etc has links in place of ${what}, what they lead to stays as it is`, async (t) => {
    const [disk, site] = [await folderOf(t), await folderOf(t)];
    const [etc, real] = [join(site, 'etc'), join(site, 'real')];
    await runOf(['cp', '--archive', '/etc', etc]);
    await mkdir(join(etc, 'cutover'), { recursive: true });
    for (const name of inSystemd) await mkdir(join(etc, 'systemd', name), { recursive: true });
    for (const path of paths) {
      await mkdir(dirname(join(real, path)), { recursive: true });
      await rename(join(etc, path), join(real, path));
      await symlink(join(real, path), join(etc, path));
    }
    const before = await contentOf(real);
    const program = 'import(process.argv[1]).then(({ prepareDisk }) => prepareDisk(process.argv[2]))';
    const prepare = [process.execPath, '--import', 'tsx', '-e', program, join(repository, 'lib/sandbox/disk.ts'), disk];
    await runOf([
      'unshare',
      '--mount',
      'sh',
      '-c',
      'mount --bind "$1" /etc && shift && exec "$@"',
      'sh',
      etc,
      ...prepare,
    ]);
    assert.is(await contentOf(real), before);
    assert.equal(await readdir(join(disk, 'etc/systemd/system')), []);
    assert.is(await readFile(join(disk, 'etc/hostname'), 'utf8'), 'sandbox\n');
    const hosts = await readFile(join(disk, 'etc/hosts'), 'utf8');
    assert.is(hosts, `${await readFile(join(etc, 'hosts'), 'utf8')}\n127.0.1.1 sandbox\n`);
    const links = await runOf(['find', join(disk, 'etc'), '-lname', `${real}/*`]);
    assert.is(links, '');
  });
}

async function runOf(command: Command): Promise<string> {
  const { code, stdout, stderr } = await exec(command, { timeoutMs: 60_000, cwd: repository });
  assert.is(code, 0, stderr);
  return stdout;
}

/** Names, kinds, modes and what is in files, as one text. */
async function contentOf(folder: string): Promise<string> {
  return runOf([
    'sh',
    '-c',
    'cd "$1" && find . -printf "%p %y %m %l\\n" | sort && tar --sort=name -c . | sha256sum',
    'sh',
    folder,
  ]);
}

/** Folders of sandboxes, and what is in them. */
async function listed(folder: string): Promise<string[]> {
  const disks = (await readdir(folder)).filter((name) => name.startsWith('cutover-sandbox'));
  const within = await Promise.all(disks.map((name) => readdir(join(folder, name)).catch(() => [])));
  return disks.flatMap((name, index) => [name, ...(within[index] ?? []).map((inner) => `${name}/${inner}`)]);
}

async function folderOf(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sandbox-host-'));
  t.cleanup(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
