// needs: sandbox
// runs: alone
import { chmod, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { prepareDisk } from '../../lib/sandbox/disk.ts';
import { bootSandbox } from '../../lib/sandbox/sandbox.ts';
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

async function folderOf(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sandbox-host-'));
  t.cleanup(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
