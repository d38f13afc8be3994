import {
  chmod,
  chown,
  copyFile,
  link,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { basename, join } from 'node:path';
import * as assert from 'uvu/assert';
import { exec, type ExecResult } from '../../lib/base/exec.ts';
import { version } from '../../lib/version.ts';
import { makeDirectory } from '../builds/directory.ts';
import { repository } from '../sandboxed.ts';
import { suite, type TestContext } from '../suite.ts';
import { asCalled } from './packed.ts';

const test = suite('package/the file alone', { timeoutMs: 120_000 });
const nowhere = { DBUS_SYSTEM_BUS_ADDRESS: 'unix:path=/nowhere/bus', CUTOVER_CONFIG: '' };
const nobody = 65534;

/** A folder with nothing in it but the file, under the name `cutover`. */
async function alone(t: TestContext, name = 'cutover'): Promise<{ folder: string; file: string }> {
  const folder = await makeDirectory(t);
  await chmod(folder, 0o755);
  const file = join(folder, name);
  await copyFile(join(repository, 'dist/cutover.cjs'), file);
  return { folder, file };
}

function call(file: string, words: string[], env: Record<string, string> = {}): Promise<ExecResult> {
  return exec([process.execPath, file, ...words], { timeoutMs: 30_000, cwd: '/', env: { ...nowhere, ...env } });
}

/** The same as a user who is not root, whose caches are where `XDG_CACHE_HOME` says. */
function callAsNobody(file: string, words: string[], env: Record<string, string>): Promise<ExecResult> {
  const user = ['setpriv', `--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups'] as const;
  return exec([...user, process.execPath, file, ...words], {
    timeoutMs: 30_000,
    cwd: '/',
    env: { ...nowhere, ...env },
  });
}

async function requireVersion(asked: Promise<ExecResult>, about: string): Promise<void> {
  const { code, stdout, stderr } = await asked;
  assert.equal([code, stdout, stderr], [0, `cutover ${version}`, ''], about);
}

async function configIn(folder: string): Promise<string> {
  const config = join(folder, 'cutover.toml');
  const places = `state = "${folder}/state"\nlogs = "${folder}/logs"\n`;
  await writeFile(config, `app = "shop"\n${places}[targets.production]\nunit = "shop.service"\nbuilds = "/nowhere"\n`);
  return config;
}

test('runs under any name, as a program and as what Node is given', async (t) => {
  const { folder, file } = await alone(t);
  const env = { PATH: `${join(process.execPath, '..')}:${process.env['PATH']}` };
  await requireVersion(exec([file, '--version'], { timeoutMs: 30_000, cwd: folder, env }), 'executable');
  for (const name of ['cutover-0.1.0', 'cutover.js', 'cutover.cjs', 'cutover.mjs', 'c']) {
    await copyFile(file, join(folder, name));
    await requireVersion(call(join(folder, name), ['--version']), name);
  }
});

test('runs in a folder whose modules are of the other kind', async (t) => {
  const { folder, file } = await alone(t);
  await writeFile(join(folder, 'package.json'), '{"type":"module"}');
  await requireVersion(call(file, ['--version']), 'in a folder of ES modules');
  const { code, stderr } = await call(file, ['status', '--config', await configIn(folder)]);
  assert.is(code, 69, stderr);
});

test('a link with the name of a script that was replaced is that command, and so is none else', async (t) => {
  const { folder, file } = await alone(t);
  const usage = async (name: string): Promise<string> => (await call(join(folder, name), ['--help'])).stdout;
  const said = { 'pre-deployment-check': 'check', 'safe-deploy': 'deploy', 'deploy-with-zero-downtime': 'direct' };
  for (const [name, command] of Object.entries(said)) {
    await symlink('cutover', join(folder, name));
    assert.is(await usage(name), asCalled(name, command, (await call(file, [command, '--help'])).stdout), name);
    await rm(join(folder, name));
    // systemd calls the file by its name, for other commands too.
    await link(file, join(folder, name));
    assert.match(await usage(name), 'Usage: cutover <command>', `${name} is the file itself`);
  }
  await symlink('cutover', join(folder, 'other'));
  assert.match(await usage('other'), 'Usage: cutover <command>');
});

test('needs nothing beside it, and runs nothing that lies there', async (t) => {
  const { folder, file } = await alone(t);
  for (const name of ['usocket', 'x11', 'bufferutil', 'cac']) {
    await mkdir(join(folder, 'node_modules', name), { recursive: true });
    const strange = `require('node:fs').writeFileSync(${JSON.stringify(join(folder, 'ran'))}, '')`;
    await writeFile(join(folder, 'node_modules', name, 'index.js'), strange);
  }
  const config = await configIn(folder);
  const bus = join(folder, 'bus');
  await writeFile(bus, '');
  // The D-Bus library asks for a module of others before it connects, and makes do without.
  const env = { DBUS_SYSTEM_BUS_ADDRESS: `unix:path=${bus}` };
  const { code, stderr } = await call(file, ['status', '--config', config], env);
  assert.is(code, 69, stderr);
  assert.not.ok((await readdir(folder)).includes('ran'));
});

test('a copy of which a part is missing says so, and begins nothing', async (t) => {
  const { file } = await alone(t);
  const whole = await readFile(file);
  for (const part of [0.2, 0.5, 0.999]) {
    await writeFile(file, whole.subarray(0, Math.floor(whole.length * part)));
    const { code, stdout, stderr } = await call(file, ['--version']);
    assert.equal([code, stdout, stderr], [1, '', `cutover: ${file} is not whole\n  -> copy it here again`]);
  }
});

test('a package without its program, as a clone before it is built, says what is to be done', async (t) => {
  const folder = await makeDirectory(t);
  const [bin, file] = [join(folder, 'bin'), join(folder, 'dist/cutover.cjs')];
  await mkdir(bin);
  for (const name of ['cutover.js', 'load.js', 'package.json']) {
    await copyFile(join(repository, 'bin', name), join(bin, name));
  }
  const said = async (): Promise<unknown[]> => {
    const { code, stdout, stderr } = await call(join(bin, 'cutover.js'), ['--version']);
    return [code, stdout, stderr];
  };
  const mend = 'in a clone: npm run build; else install the package again';
  assert.equal(await said(), [1, '', `cutover: ${file} is not there\n  -> ${mend}`]);
  await mkdir(file, { recursive: true });
  assert.equal(await said(), [1, '', `cutover: cannot read ${file}: EISDIR\n  -> ls -l ${file}`]);
});

test('a Node that is too old is told which one it takes, by the package too', async (t) => {
  const { folder, file } = await alone(t);
  const old = join(folder, 'old.cjs');
  const pretend = "Object.defineProperty(process.versions, 'node', { value: '20.18.3' });";
  await writeFile(old, `${pretend} delete process.getBuiltinModule;`);
  for (const script of [file, join(repository, 'bin/cutover.js')]) {
    const { code, stdout, stderr } = await exec([process.execPath, '--require', old, script, 'status'], {
      timeoutMs: 30_000,
    });
    assert.equal([code, stdout], [1, '']);
    assert.match(stderr, /^cutover: it needs Node 20\.19 or newer, and this is v\S+\n {2}-> /);
  }
});

test('keeps compiled code in the user’s cache where there is a folder for it, and nowhere else', async (t) => {
  const { folder, file } = await alone(t);
  const cache = join(folder, 'cache');
  await mkdir(cache, { mode: 0o755 });
  await chown(cache, nobody, nobody);
  const env = { XDG_CACHE_HOME: cache };
  await requireVersion(callAsNobody(file, ['--version'], env), 'without a folder');
  assert.equal(await readdir(cache), []);
  await mkdir(join(cache, 'cutover'));
  await chown(join(cache, 'cutover'), nobody, nobody);
  await requireVersion(callAsNobody(file, ['--version'], env), 'with one');
  const compiled = join(cache, 'cutover/compiled');
  const names = await readdir(compiled);
  assert.is(names.length, 1);
  const kept = await readFile(join(compiled, names[0] ?? ''));
  await requireVersion(callAsNobody(file, ['--version'], env), 'again');
  assert.ok(kept.equals(await readFile(join(compiled, names[0] ?? ''))), 'it was taken as it is');
  assert.equal((await readdir(folder)).toSorted(), ['cache', 'cutover']);
});

test('compiled code that another user wrote, or could have, is not run', async (t) => {
  const { folder, file } = await alone(t);
  const compiled = join(folder, 'cache/cutover/compiled');
  await mkdir(compiled, { recursive: true });
  for (const path of ['cache', 'cache/cutover', 'cache/cutover/compiled'])
    await chown(join(folder, path), nobody, nobody);
  const env = { XDG_CACHE_HOME: join(folder, 'cache') };
  await requireVersion(callAsNobody(file, ['--version'], env), 'first');
  const [name = ''] = await readdir(compiled);
  const kept = join(compiled, name);
  const inode = async (): Promise<string> => (await exec(['stat', '-c', '%i', kept], { timeoutMs: 5_000 })).stdout;
  for (const [about, meddle] of Object.entries({
    'of another user': () => chown(kept, 1, 1),
    'that a group may write': () => chmod(kept, 0o664),
  })) {
    await meddle();
    const before = await inode();
    await requireVersion(callAsNobody(file, ['--version'], env), about);
    assert.is.not(await inode(), before, `${about}: it was replaced`);
  }
  const before = await inode();
  await requireVersion(callAsNobody(file, ['--version'], env), 'our own');
  assert.is(await inode(), before, 'our own is kept');
});

test('compiled code of versions before this one goes after a month', async (t) => {
  const { folder, file } = await alone(t);
  const compiled = join(folder, 'cache/cutover/compiled');
  await mkdir(compiled, { recursive: true });
  for (const [name, days] of [
    ['older', 31],
    ['younger', 29],
  ] as const) {
    await writeFile(join(compiled, name), '');
    const seconds = Date.now() / 1000 - days * 86_400;
    await utimes(join(compiled, name), seconds, seconds);
  }
  await exec(['chown', '-R', `${nobody}`, join(folder, 'cache')], { timeoutMs: 5_000 });
  await requireVersion(
    callAsNobody(file, ['--version'], { XDG_CACHE_HOME: join(folder, 'cache') }),
    'it keeps its own',
  );
  const names = await readdir(compiled);
  assert.equal([names.length, names.includes('younger'), names.includes('older')], [2, true, false]);
});

test('root takes no compiled code out of the folder that a user may have named', async (t) => {
  const { folder, file } = await alone(t);
  await mkdir(join(folder, 'cutover-cache/cutover'), { recursive: true });
  const env = { XDG_CACHE_HOME: join(folder, 'cutover-cache'), HOME: folder };
  await requireVersion(call(file, ['--version'], env), 'as root');
  assert.equal(await readdir(join(folder, 'cutover-cache/cutover')), []);
});

test('no folder of the place one happens to be in is a cache', async (t) => {
  const { folder, file } = await alone(t);
  const here = join(folder, 'here');
  await mkdir(join(here, '.cache/cutover'), { recursive: true });
  await mkdir(join(here, 'relative/cutover'), { recursive: true });
  await exec(['chown', '-R', `${nobody}`, here], { timeoutMs: 5_000 });
  const user = ['setpriv', `--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups'] as const;
  for (const env of [
    { HOME: '', XDG_CACHE_HOME: '' },
    { HOME: '', XDG_CACHE_HOME: 'relative' },
  ]) {
    const options = { timeoutMs: 30_000, cwd: here, env: { ...nowhere, ...env } };
    await requireVersion(exec([...user, process.execPath, file, '--version'], options), JSON.stringify(env));
  }
  assert.equal(
    (await readdir(here, { recursive: true })).filter((path) => path.includes('compiled')),
    [],
  );
});

test('another file may take its place while it runs', async (t) => {
  const { folder, file } = await alone(t);
  const next = join(folder, 'next');
  await copyFile(file, next);
  const asked = call(file, ['config', '--schema']);
  await rename(next, file);
  const { code, stdout } = await asked;
  assert.is(code, 0);
  JSON.parse(stdout);
  assert.equal(await readdir(folder), [basename(file)]);
});
