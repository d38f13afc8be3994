// needs: sandbox
import { copyFile, mkdir, readdir, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as assert from 'uvu/assert';
import { repository, sandboxFor } from '../sandboxed.ts';
import { suite } from '../suite.ts';

const test = suite('units/tmpfiles');
const day = 86_400;

test('P5: old logs are rotated away, of every target, and nothing else', async () => {
  const sandbox = await sandboxFor();
  const rule = sandbox.hostPath('/etc/tmpfiles.d/cutover.conf');
  await mkdir(dirname(rule), { recursive: true });
  await copyFile(join(repository, 'units/cutover.tmpfiles'), rule);
  const logs = sandbox.hostPath('/var/log/cutover');
  await mkdir(join(logs, 'shop'), { recursive: true });
  for (const [name, days] of [
    ['old', 181],
    ['young', 179],
    ['shop/old', 400],
    ['shop/new', 0],
  ] as const) {
    const path = join(logs, `${name}.log`);
    await writeFile(path, 'run\n');
    const seconds = Date.now() / 1000 - days * day;
    await utimes(path, Date.now() / 1000, seconds);
  }
  await writeFile(sandbox.hostPath('/var/log/other.log'), '');
  await utimes(sandbox.hostPath('/var/log/other.log'), 0, 0);
  await sandbox.run('systemd-tmpfiles', '--clean', 'cutover.conf');
  const left = (await readdir(logs, { recursive: true })).filter((name) => name.endsWith('.log')).toSorted();
  assert.equal(left, ['shop/new.log', 'young.log']);
  assert.ok((await readdir(sandbox.hostPath('/var/log'))).includes('other.log'));
});

test('P5: a machine on which nothing was deployed yet is no trouble', async (t) => {
  const sandbox = await sandboxFor();
  await sandbox.run('mv', '/var/log/cutover', '/var/log/elsewhere');
  t.cleanup(() => sandbox.run('mv', '/var/log/elsewhere', '/var/log/cutover'));
  for (const action of ['--create', '--clean']) {
    const { code, stderr } = await sandbox.exec(['systemd-tmpfiles', action, 'cutover.conf']);
    assert.equal([code, stderr], [0, ''], action);
  }
});
