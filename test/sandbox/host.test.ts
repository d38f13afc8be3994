// needs: sandbox
// runs: alone
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { prepareDisk } from '../../lib/sandbox/disk.ts';
import { bootSandbox } from '../../lib/sandbox/sandbox.ts';
import { start } from '../../lib/base/exec.ts';
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
