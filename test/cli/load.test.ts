import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { type Command, exec } from '../../lib/base/exec.ts';
import { version } from '../../lib/version.ts';
import { makeDirectory } from '../builds/directory.ts';
import { repository } from '../sandboxed.ts';
import { suite, type TestContext } from '../suite.ts';

const test = suite('cli/load');

/** An installation of its own, in which nothing was compiled yet. */
async function install(t: TestContext): Promise<{ root: string; compiled: () => Promise<string[]> }> {
  const root = await makeDirectory(t);
  await cp(join(repository, 'bin'), join(root, 'bin'), { recursive: true });
  await mkdir(join(root, 'dist'));
  await cp(join(repository, 'dist/cutover.cjs'), join(root, 'dist/cutover.cjs'));
  return { root, compiled: () => readdir(join(root, 'dist/compiled')).catch(() => []) };
}

async function requireVersion(root: string, wrapper?: Command): Promise<void> {
  const words = [join(root, 'bin/cutover.js'), '--version'];
  const command: Command = wrapper ? [...wrapper, process.execPath, ...words] : [process.execPath, ...words];
  const { code, stdout, stderr } = await exec(command, { timeoutMs: 30_000 });
  assert.equal([code, stdout, stderr], [0, `cutover ${version}`, '']);
}

test('S2: the first run of a command keeps its compiled code, the next one uses it', async (t) => {
  const { root, compiled } = await install(t);
  await requireVersion(root);
  const [name = '', ...others] = await compiled();
  assert.equal(others, []);
  const kept = join(root, 'dist/compiled', name);
  const before = await readFile(kept);
  await requireVersion(root);
  assert.ok(before.equals(await readFile(kept)), 'it was taken as it is');
  assert.equal(await compiled(), [name]);
});

test('S2: of the program a command compiles and keeps only the layers that it asks for', async (t) => {
  const { root, compiled } = await install(t);
  const layersOf = async (command: string): Promise<string[]> => {
    const names = (await compiled()).filter((name) => name.includes(`-${command}-`));
    return names.map((name) => name.slice(-1)).toSorted();
  };
  await requireVersion(root);
  assert.equal(await layersOf('--version'), ['0']);
  await exec([process.execPath, join(root, 'bin/cutover.js'), 'check', '--help'], { timeoutMs: 30_000 });
  assert.equal(await layersOf('check'), ['0', '1']);
});

test('S2: kept code that was damaged, torn or emptied is replaced', async (t) => {
  const { root, compiled } = await install(t);
  await requireVersion(root);
  const [name = ''] = await compiled();
  const kept = join(root, 'dist/compiled', name);
  const good = await readFile(kept);
  const flipped = Buffer.from(good);
  for (const at of [0, 40, 1_000, good.length - 100]) flipped[at] = (flipped[at] ?? 0) ^ 0xff;
  const torn = good.subarray(0, good.length / 2);
  for (const bytes of [flipped, torn, Buffer.alloc(0), Buffer.from('no code')]) {
    await writeFile(kept, bytes);
    await requireVersion(root);
    const replaced = await readFile(kept);
    assert.ok(replaced.length > torn.length && !replaced.equals(flipped));
    await requireVersion(root);
  }
});

test('S2: the program is as strict as the modules that it was made of', async () => {
  const program = await readFile(join(repository, 'dist/cutover.cjs'), 'latin1');
  const [, ...layers] = program.split('\n//:\n');
  assert.ok(layers.length > 2, `${layers.length} layers`);
  for (const layer of layers) assert.match(layer, /^\/\/\(function\([\w,]+\)\{"use strict";/);
});

test('S2: another bundle of the same length does not get the code of the one before', async (t) => {
  const { root, compiled } = await install(t);
  await requireVersion(root);
  const bundle = join(root, 'dist/cutover.cjs');
  const text = await readFile(bundle, 'utf8');
  const other = text.replaceAll(`"${version}"`, `"9.9.9"`);
  await writeFile(bundle, other.replace(/[0-9a-f]{64}\n$/, `${'0'.repeat(64)}\n`));
  const { stdout } = await exec([process.execPath, join(root, 'bin/cutover.js'), '--version'], { timeoutMs: 30_000 });
  assert.is(stdout, 'cutover 9.9.9');
  assert.is((await compiled()).length, 2);
});

test('S8: what ends an interrupted run keeps nothing and uses nothing', async (t) => {
  const { root, compiled } = await install(t);
  await exec([process.execPath, join(root, 'bin/cutover.js'), 'settle', '--help'], { timeoutMs: 30_000 });
  assert.equal(await compiled(), []);
});

test('S2: who may not write there runs as well', async (t) => {
  const { root, compiled } = await install(t);
  const nobody: Command = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
  await exec(['chmod', '-R', 'a+rX', root], { timeoutMs: 30_000 });
  await requireVersion(root, nobody);
  assert.equal(await compiled(), []);
  await rm(join(root, 'dist/compiled'), { recursive: true, force: true });
});

test('S2: what takes long to load is loaded by those who use it', async (t) => {
  const { root } = await install(t);
  const watch = join(root, 'watch.cjs');
  await writeFile(watch, "process.on('exit', () => console.error(process.moduleLoadList.join('\\n')));\n");
  const config = join(root, 'cutover.toml');
  const places = `state = "${root}/state"\nlogs = "${root}/logs"\n`;
  await writeFile(config, `app = "shop"\n${places}[targets.production]\nunit = "shop.service"\nbuilds = "/nowhere"\n`);
  for (const command of ['status', 'check', 'deploy']) {
    const words = ['--require', watch, join(root, 'bin/cutover.js'), command, '--config', config];
    const env = { DBUS_SYSTEM_BUS_ADDRESS: 'unix:path=/nowhere' };
    const { code, stderr } = await exec([process.execPath, ...words], { timeoutMs: 30_000, env });
    assert.is(code, 69, stderr);
    assert.match(stderr, /^NativeModule fs\/promises$/m);
    for (const name of ['crypto', 'https', 'worker_threads', 'stream/web'])
      assert.not.match(stderr, new RegExp(`^NativeModule ${name}$`, 'm'), command);
  }
});
