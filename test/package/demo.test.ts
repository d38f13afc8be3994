// needs: sandbox
// runs: alone
import { chmod, copyFile, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { exec } from '../../lib/base/exec.ts';
import type { DemoDocument } from '../../lib/demo/document.ts';
import { repository } from '../sandboxed.ts';
import { suite, type TestContext } from '../suite.ts';
import { installInto } from './packed.ts';

const test = suite('package/demo', { timeoutMs: 150_000 });

/** In a folder that the throw-away systemd has one of its own for, so that what is not brought in is not to be seen there. */
async function folderOf(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'cutover-demo-'));
  t.cleanup(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function requireDemo(script: string, temporary: string): Promise<void> {
  await mkdir(temporary);
  const command = [process.execPath, script, 'demo', '--json'] as const;
  const { code, stdout, stderr } = await exec(command, { timeoutMs: 140_000, env: { TMPDIR: temporary } });
  assert.is(code, 0, stderr);
  const { as_expected, acts } = JSON.parse(stdout) as DemoDocument;
  assert.equal([as_expected, acts.length], [true, 7]);
  assert.equal(await readdir(temporary), [], 'something is left');
}

test('runs from the installed package', async (t) => {
  const folder = await folderOf(t);
  await installInto(join(folder, 'usr'));
  await requireDemo(join(folder, 'usr/bin/cutover'), join(folder, 'tmp'));
});

test('runs from the file alone', async (t) => {
  const folder = await folderOf(t);
  const file = join(folder, 'cutover');
  await copyFile(join(repository, 'dist/cutover.cjs'), file);
  await chmod(file, 0o755);
  await requireDemo(file, join(folder, 'tmp'));
  assert.equal(
    (await readdir(folder)).toSorted((one, other) => (one < other ? -1 : 1)),
    ['cutover', 'tmp'],
  );
});
