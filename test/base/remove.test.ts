import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { removeTrees } from '../../lib/base/remove.ts';
import { makeDirectory, rejection } from '../builds/directory.ts';
import { until } from '../deploy/site.ts';
import { repository } from '../sandboxed.ts';
import { suite } from '../suite.ts';

const test = suite('base/remove');
const { signal } = new AbortController();

test('W3: trees, files and links go; what a link leads to stays', async (t) => {
  const directory = await makeDirectory(t);
  await mkdir(join(directory, 'tree/a/b'), { recursive: true });
  await writeFile(join(directory, 'tree/a/b/c'), '');
  await writeFile(join(directory, 'file'), '');
  await mkdir(join(directory, 'kept'));
  await symlink('kept', join(directory, 'link'));
  const paths = ['tree', 'file', 'link', 'gone'].map((name) => join(directory, name));
  assert.is((await removeTrees(paths, signal)).size, 0);
  assert.equal(await readdir(directory), ['kept']);
  assert.is((await removeTrees([], signal)).size, 0);
});

test('W3: what does not go is told of, with its own cause', async (t) => {
  const directory = await makeDirectory(t);
  for (const name of ['one', 'two']) await mkdir(join(directory, name));
  // Not even root removes what the kernel keeps.
  const paths = [join(directory, 'one'), '/proc/self', join(directory, 'two')];
  const problems = await removeTrees(paths, signal);
  assert.equal([...problems.keys()], ['/proc/self']);
  const problem = problems.get('/proc/self');
  assert.is(problem?.code, 'permission');
  assert.match(problem?.message ?? '', /cannot remove '\/proc\/self/);
  assert.equal(await readdir(directory), []);
});

test('W3: an aborted removal ends with the reason', async (t) => {
  const directory = await makeDirectory(t);
  const error = await rejection(removeTrees([directory], AbortSignal.abort(new Error('enough'))));
  assert.is(error.message, 'enough');
});

test('W3: whoever is killed while it removes leaves nobody who goes on', async (t) => {
  const directory = await makeDirectory(t);
  const pidFile = join(directory, 'pid');
  await writeFile(join(directory, 'rm'), `#!/bin/sh\necho $$ > ${pidFile}\nexec sleep 60\n`);
  await chmod(join(directory, 'rm'), 0o755);
  const code = `import { removeTrees } from '${repository}/lib/base/remove.ts';
    await removeTrees(['/nowhere'], new AbortController().signal);`;
  const node = ['--import', `${repository}/node_modules/tsx/dist/esm/index.mjs`, '--input-type=module', '-e', code];
  const env = { ...process.env, PATH: `${directory}:${process.env.PATH}` };
  const child = spawn(process.execPath, node, { env, stdio: ['ignore', 'ignore', 'inherit'] });
  t.cleanup(() => child.kill('SIGKILL'));
  const pid = async (): Promise<number> => Number(await readFile(pidFile, 'utf8').catch(() => ''));
  await until('it removes', async () => (await pid()) > 0);
  const removing = await pid();
  child.kill('SIGKILL');
  await once(child, 'exit');
  const state = (): Promise<string> => readFile(`/proc/${removing}/stat`, 'utf8').catch(() => 'gone');
  await until('it has ended', async () => /^gone|\) Z /.test(await state()));
});
