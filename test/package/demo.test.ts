// needs: sandbox
// runs: alone
import { chmod, copyFile, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { exec } from '../../lib/base/exec.ts';
import type { DemoDocument } from '../../lib/demo/document.ts';
import { patient } from '../patient.ts';
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

async function runDemo(script: string, temporary: string, ...words: string[]): Promise<string> {
  await mkdir(temporary);
  const command = [process.execPath, script, 'demo', ...words] as const;
  const { code, stdout, stderr } = await exec(command, { timeoutMs: patient(140_000), env: { TMPDIR: temporary } });
  assert.is(code, 0, stderr + stdout);
  assert.equal(await readdir(temporary), [], 'something is left');
  return stdout;
}

test('runs from the installed package', async (t) => {
  const folder = await folderOf(t);
  await installInto(join(folder, 'usr'));
  const told = await runDemo(join(folder, 'usr/bin/cutover'), join(folder, 'tmp'), '--json');
  const { as_expected, acts } = JSON.parse(told) as DemoDocument;
  assert.equal([as_expected, acts.length], [true, 7]);
});

test('runs from the file alone, and tells it in 80 columns without colours where there is no terminal', async (t) => {
  const folder = await folderOf(t);
  const file = join(folder, 'cutover');
  await copyFile(join(repository, 'dist/cutover.cjs'), file);
  await chmod(file, 0o755);
  const told = await runDemo(file, join(folder, 'tmp'));
  assert.equal(
    (await readdir(folder)).toSorted((one, other) => (one < other ? -1 : 1)),
    ['cutover', 'tmp'],
  );
  assert.not.match(told, '\u001B');
  const pictures = told.split('\n').filter((line) => /^ {2}(ms|requests|answered by|steps) {2}/.test(line));
  assert.is(pictures.length, 4 * 7 + 7, 'seven of one service, and one of two on one time line');
  // What the commands say on their way is theirs.
  assert.equal(
    told.split('\n').filter((line) => line.length > 80 && !line.startsWith('    ')),
    [],
  );
  assert.match(told, '4 of 8 ── Build D starts and listens, but answers 500 to everything');
  assert.match(told, /\n {2}restart\n {2}requests .*\n {2}answered by .*\n {2}steps [^]*\n {2}overlap\n {2}requests /);
});
