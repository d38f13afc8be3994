import { readdir, readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { type Command, exec } from '../../lib/base/exec.ts';
import { version } from '../../lib/version.ts';
import { makeDirectory } from '../builds/directory.ts';
import { repository } from '../sandboxed.ts';
import { suite } from '../suite.ts';
import { asCalled, installInto, npm, packed } from './packed.ts';

interface Manifest {
  scripts?: Record<string, string>;
  engines: { node: string };
  bin: Record<string, string>;
  man: string[];
  [key: string]: unknown;
}

const test = suite('package', { timeoutMs: 180_000 });
const executables = ['cutover', 'deploy-with-zero-downtime', 'pre-deployment-check', 'safe-deploy'];
const byName = (one: string, other: string): number => (one < other ? -1 : 1);
/** What npm would run on the machine that installs (scripts of npm-scripts(7), "Life Cycle Operation Order"). */
const installScripts = ['preinstall', 'install', 'postinstall', 'preprepare', 'prepare', 'postprepare', 'prepublish'];

test('holds what a server needs, and nothing that only this repository does', async () => {
  const { files, unpackedBytes } = await packed();
  const paths = files.map(({ path }) => path);
  const tops = new Set(paths.map((path) => path.split('/')[0] ?? ''));
  const documents = ['CHANGELOG.md', 'LICENSE', 'README.md', 'builds-layout.md', 'draining.md', 'package.json'];
  assert.equal([...tops].toSorted(byName), [...documents, 'bin', 'dist', 'examples', 'units'].toSorted(byName));
  const programs = ['cutover', 'deploy-with-zero-downtime', 'load', 'pre-deployment-check', 'safe-deploy'];
  const made = ['dist/THIRD-PARTY-LICENSES', 'dist/cutover.cjs', 'dist/man/cutover.1', 'dist/man/cutover.toml.5'];
  assert.equal(
    paths.filter((path) => /^(bin|dist)\//.test(path)).toSorted(byName),
    [...programs.map((name) => `bin/${name}.js`), 'bin/package.json', ...made].toSorted(byName),
  );
  for (const folder of ['units', 'examples']) {
    const own = (await exec(['git', 'ls-files', folder], { timeoutMs: 30_000, cwd: repository })).stdout.split('\n');
    assert.equal(
      own.filter((path) => path !== '' && !paths.includes(path)),
      [],
      folder,
    );
  }
  assert.equal(
    paths.filter((path) => /\.(node|map|ts|tgz|gyp)$|(^|\/)\./.test(path)),
    [],
  );
  assert.ok(unpackedBytes < 3_000_000, `${unpackedBytes} bytes`);
});

test('asks npm to run nothing on the machine, and to bring no other package', async (t) => {
  const { tarball } = await packed();
  const folder = await makeDirectory(t);
  await exec(['tar', '-xzf', tarball, '-C', folder], { timeoutMs: 60_000 });
  const manifest = JSON.parse(await readFile(join(folder, 'package/package.json'), 'utf8')) as Manifest;
  assert.equal(
    Object.keys(manifest.scripts ?? {}).filter((name) => installScripts.includes(name)),
    [],
  );
  const wanted = ['dependencies', 'peerDependencies', 'optionalDependencies', 'bundleDependencies', 'gypfile'];
  assert.equal(
    wanted.filter((key) => Object.keys(manifest[key] ?? {}).length > 0),
    [],
  );
  assert.equal(Object.keys(manifest.bin).toSorted(), executables);
  for (const path of [...Object.values(manifest.bin), ...manifest.man])
    assert.ok((await readFile(join(folder, 'package', path))).length > 0, path);
});

test('the same sources make the same program, wherever they lie', async (t) => {
  const { tarball } = await packed();
  const folder = await makeDirectory(t);
  await exec(['tar', '-xzf', tarball, '-C', folder], { timeoutMs: 60_000 });
  for (const name of ['cutover.cjs', 'THIRD-PARTY-LICENSES']) {
    const shipped = await readFile(join(folder, 'package/dist', name));
    const here = await readFile(join(repository, 'dist', name));
    assert.ok(shipped.equals(here), `dist/${name} is not what the sources make: npm run build`);
  }
});

test('needs the same Node in package.json as at its start', async () => {
  const { engines } = JSON.parse(await readFile(join(repository, 'package.json'), 'utf8')) as Manifest;
  const [, major, minor] = /^>=(\d+)\.(\d+)$/.exec(engines.node) ?? [];
  assert.match(await readFile(join(repository, 'bin/load.js'), 'utf8'), `\nrequireNode(${major}, ${minor});\n`);
});

test('installed for everybody without a network: one package, four executables that run, and the manual', async (t) => {
  const prefix = join(await makeDirectory(t), 'usr');
  await installInto(prefix);
  const { stdout } = await npm(['ls', '--global', '--all', '--json', '--prefix', prefix], prefix);
  const { dependencies } = JSON.parse(stdout) as { dependencies: Record<string, { version: string }> };
  assert.equal(
    Object.entries(dependencies).map(([name, found]) => [name, found.version]),
    [['cutover', version]],
  );
  assert.equal((await readdir(join(prefix, 'bin'))).toSorted(), executables);
  for (const name of executables) {
    const call = (word: string) => exec([process.execPath, join(prefix, 'bin', name), word], { timeoutMs: 30_000 });
    assert.is((await call('--version')).stdout, `cutover ${version}`);
    const { code, stdout: help } = await call('--help');
    assert.is(code, 0, name);
    assert.match(help, name === 'cutover' ? 'Usage: cutover <command>' : `Usage: ${name} `, name);
  }
  for (const page of ['man1/cutover.1', 'man5/cutover.toml.5'])
    assert.match(await readFile(join(prefix, 'share/man', page), 'utf8'), /^\.TH /m);
  const all = await readdir(join(await realpath(prefix), 'lib/node_modules'), { recursive: true });
  assert.equal(
    all.filter((path) => path.endsWith('.node') || path.includes('node_modules/')),
    [],
  );
});

test('each executable is the one that its name says', async (t) => {
  const prefix = join(await makeDirectory(t), 'usr');
  await installInto(prefix);
  const said = { 'pre-deployment-check': 'check', 'safe-deploy': 'deploy', 'deploy-with-zero-downtime': 'direct' };
  for (const [name, command] of Object.entries(said)) {
    const env = { PATH: `${join(process.execPath, '..')}:${process.env['PATH']}` };
    const byName: Command = [join(prefix, 'bin', name), '--help'];
    const [one, other] = await Promise.all([
      exec(byName, { timeoutMs: 30_000, env }),
      exec([join(prefix, 'bin/cutover'), command, '--help'], { timeoutMs: 30_000, env }),
    ]);
    assert.equal([one.code, one.stdout], [0, asCalled(name, command, other.stdout)], name);
  }
});
