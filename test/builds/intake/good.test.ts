import { chmod, chown, lstat, mkdir, mkdtemp, readdir, readFile, readlink, stat, writeFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { exec } from '../../../lib/base/exec.ts';
import { openController } from '../../../lib/base/wait.ts';
import { compareBuild } from '../../../lib/builds/compare.ts';
import { inspectBuild } from '../../../lib/builds/inspect.ts';
import { isBuildId } from '../../../lib/builds/layout.ts';
import { readManifest } from '../../../lib/builds/manifest.ts';
import { requireRoot } from '../../root.ts';
import { suite } from '../../suite.ts';
import { makeDirectory } from '../directory.ts';
import { type Block, compressions, long, pax, tarOf } from './archive.ts';
import { makeTaking, streamOf } from './taking.ts';

const test = suite('builds/intake/good');

const { signal } = openController();
const app: Block = { name: 'app.js', body: 'console.log(1)' };
const sha256 = (bytes: Buffer | string): string => createHash('sha256').update(bytes).digest('hex');

test('P1: an archive is told by its content, from a file and from a stream', async (t) => {
  const taking = await makeTaking(t);
  const archive = tarOf(app, { name: 'data', body: Buffer.alloc(200_000, 'data') });
  const ids: string[] = [];
  for (const [how, compress] of Object.entries(compressions)) {
    const bytes = await compress(archive);
    const path = join(taking.around, `${how}.txt`);
    await writeFile(path, bytes);
    for (const source of [path, bytes]) {
      const build = await taking.add(source, { sha256: sha256(bytes).toUpperCase(), revision: '007', branch: 'main' });
      assert.equal([build.source_sha256, build.files, build.size_bytes], [sha256(bytes), 2, 200_014], how);
      assert.is(await readFile(join(build.path, 'app.js'), 'utf8'), 'console.log(1)');
      ids.push(build.id);
    }
  }
  assert.ok(ids.every(isBuildId) && new Set(ids).size === 6, ids.join(' '));
  assert.equal((await readdir(taking.builds)).toSorted(), ['.incoming', ...ids.toSorted()]);
  assert.equal(await readdir(join(taking.builds, '.incoming')), []);
});

test('P6: a build knows what it was made from, and everything that is in it', async (t) => {
  const taking = await makeTaking(t);
  const archive = tarOf(app, { name: 'd/more', body: 'more', mode: 0o640 }, { name: 'l', type: '2', to: 'd/more' });
  const added = await taking.add(archive, { revision: '4f2a9c1', branch: 'main' });
  const manifest = await readManifest(added.path);
  assert.equal(
    { ...manifest, createdAt: null, contentsSha256: null },
    {
      sourceSha256: sha256(archive),
      revision: '4f2a9c1',
      branch: 'main',
      files: 2,
      bytes: 18,
      createdAt: null,
      contentsSha256: null,
    },
  );
  const list = await readFile(join(added.path, '.cutover.files'), 'utf8');
  assert.is(manifest?.contentsSha256, sha256(list));
  assert.equal(
    list
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
    [
      ['d', '', '755'],
      ['f', 'app.js', '644', 14, sha256('console.log(1)')],
      ['d', 'd', '755'],
      ['f', 'd/more', '640', 4, sha256('more')],
      ['l', 'l', 'd/more'],
    ],
  );
  const { broken, revision, branch } = await inspectBuild(taking.builds, added.id);
  assert.equal([broken, revision, branch], [null, '4f2a9c1', 'main']);
  assert.equal(await compareBuild(added.path, signal), { changed: [], missing: [], added: [], files: 2 });
});

test('P1: no special right and no foreign owner comes with an archive', async (t) => {
  const taking = await makeTaking(t);
  // A directory that hands its group down would do so to every folder.
  await chmod(taking.builds, 0o2755);
  const { path } = await taking.add(
    tarOf(
      { name: '.', type: '5', mode: 0o7777 },
      { name: 'setuid', body: 'x', mode: 0o6755 },
      { name: 'world', body: 'x', mode: 0o666 },
      { name: 'none', body: 'x', mode: 0 },
      { name: 'program', body: 'x', mode: 0o777 },
      { name: 'sticky', type: '5', mode: 0o7777 },
      { name: 'closed', type: '5', mode: 0 },
      { name: 'closed/in', body: 'x', mode: 0o444 },
    ),
  );
  const modes: Record<string, string> = {};
  for (const name of ['.', 'setuid', 'world', 'none', 'program', 'sticky', 'closed', 'closed/in', '.cutover.json']) {
    const { mode, uid } = await lstat(join(path, name));
    assert.is(uid, process.getuid?.(), name);
    modes[name] = (mode & 0o7777).toString(8);
  }
  assert.equal(modes, {
    '.': '755',
    setuid: '755',
    world: '664',
    none: '600',
    program: '775',
    sticky: '775',
    closed: '700',
    'closed/in': '644',
    '.cutover.json': '644',
  });
});

test('P1: who may enter the builds directory may enter the build, whatever the archive says of its own folder', async (t) => {
  const taking = await makeTaking(t);
  for (const [own, wanted] of [
    [0o750, '750'],
    [0o700, '700'],
    [0o777, '755'],
  ] as const) {
    await chmod(taking.builds, own);
    const { path } = await taking.add(tarOf({ name: './', type: '5', mode: 0o711 }, { ...app, name: './app.js' }));
    assert.is(((await stat(path)).mode & 0o7777).toString(8), wanted);
  }
});

test('P1: a group may write into a folder where the archive says so, and not where it says nothing of it', async (t) => {
  const taking = await makeTaking(t);
  const shared: Block = { name: 'implied/shared', type: '5', mode: 0o775 };
  const listed: Block = { name: 'late', type: '5', mode: 0o775 };
  const { path } = await taking.add(
    tarOf({ name: 'implied/shared/deep/x', body: 'x' }, { name: 'late/x', body: 'x' }, shared, listed),
  );
  const names = ['implied', 'implied/shared', 'implied/shared/deep', 'late'];
  const modes = names.map(async (name) => ((await stat(join(path, name))).mode & 0o7777).toString(8));
  assert.equal(await Promise.all(modes), ['755', '775', '755', '775']);
  assert.equal((await compareBuild(path, signal)).changed, []);
});

test('P1: a mask of the caller changes nothing', async (t) => {
  const taking = await makeTaking(t);
  const mask = process.umask(0o077);
  t.cleanup(() => process.umask(mask));
  const { path } = await taking.add(tarOf(app, { name: 'd/x', body: 'x', mode: 0o755 }));
  const modes = ['.', 'app.js', 'd', 'd/x', '.cutover.json', '.cutover.files'].map(async (name) =>
    ((await stat(join(path, name))).mode & 0o777).toString(8),
  );
  assert.equal(await Promise.all(modes), ['755', '644', '755', '755', '644', '644']);
});

test('P1: links and hard links within the build stay what they are', async (t) => {
  const taking = await makeTaking(t);
  const { path, files } = await taking.add(
    tarOf(
      { name: 'lib/a.js', body: 'a' },
      { name: 'bin/a', type: '2', to: '../lib/a.js' },
      { name: 'latest', type: '2', to: 'lib' },
      { name: 'through', type: '2', to: 'latest/../bin/a' },
      { name: 'self', type: '2', to: '.' },
      { name: 'later', type: '2', to: 'comes/with/the/start' },
      { name: 'second', type: '1', to: './lib/a.js' },
      { name: 'third', type: '1', to: 'second' },
    ),
  );
  assert.is(await readlink(join(path, 'bin/a')), '../lib/a.js');
  assert.is(await readFile(join(path, 'through'), 'utf8'), 'a');
  assert.equal([(await stat(join(path, 'third'))).ino, files], [(await stat(join(path, 'lib/a.js'))).ino, 3]);
  assert.equal((await compareBuild(path, signal)).changed, []);
});

test('P1: long names, names in any language, and the header that git writes', async (t) => {
  const taking = await makeTaking(t);
  const far = `${'folder/'.repeat(20)}${'n'.repeat(120)}`;
  const { path } = await taking.add(
    tarOf(
      pax({ comment: 'a'.repeat(40) }, 'g'),
      pax({ path: far }),
      { name: 'short', body: 'pax' },
      long(`gnu/${far}`),
      { name: 'short', body: 'gnu', magic: 'ustar  \0' },
      { name: 'bÿßer/日本語 \u{1F600}', body: 'ß' },
      pax({ path: 'ÄÖÜ' }),
      { name: 'x', body: 'pax' },
      { name: 'old', body: 'v7', magic: '' },
      { name: 'in a prefix', prefix: 'p/q', body: 'x' },
      { name: 'a//b/./c', body: 'x' },
      { name: 'folder twice', type: '5' },
      { name: 'folder twice/', type: '5' },
      { name: '-rf', body: 'x' },
      { name: 'a\\b', body: 'x' },
    ),
  );
  for (const name of [
    far,
    `gnu/${far}`,
    'bÿßer/日本語 \u{1F600}',
    'ÄÖÜ',
    'old',
    'p/q/in a prefix',
    'a/b/c',
    '-rf',
    'a\\b',
  ]) {
    assert.ok((await stat(join(path, name))).isFile(), name);
  }
  assert.equal(await compareBuild(path, signal), { changed: [], missing: [], added: [], files: 9 });
});

test('P6: the commit that git archive names is the revision, unless another is said', async (t) => {
  const taking = await makeTaking(t);
  const commit = 'c0ffee'.padEnd(40, '0');
  const archive = tarOf(pax({ comment: commit }, 'g'), app);
  assert.is((await taking.add(archive)).revision, commit);
  assert.is((await taking.add(archive, { revision: '1.2' })).revision, '1.2');
  assert.is((await taking.add(tarOf(pax({ comment: 'no commit' }, 'g'), app))).revision, null);
  assert.is((await taking.add(tarOf(app, pax({ comment: commit }), { name: 'x', body: 'x' }))).revision, null);
});

test('P1: the archive of a build becomes a build, with a manifest of its own', async (t) => {
  const taking = await makeTaking(t);
  const first = await taking.add(tarOf(app), { revision: 'first' });
  const packed = join(taking.around, 'first.tar');
  await exec(['tar', '--create', '--file', packed, '--directory', first.path, '.'], { timeoutMs: 10_000 });
  const second = await taking.add(packed);
  assert.equal([second.revision, second.files], [null, 1]);
  assert.equal((await readManifest(second.path))?.sourceSha256, second.source_sha256);
  assert.equal(await compareBuild(second.path, signal), { changed: [], missing: [], added: [], files: 1 });
});

test('P1: a build that is not the newest by its name is told as one', async (t) => {
  const taking = await makeTaking(t);
  assert.equal((await taking.add(tarOf(app))).notes, []);
  await mkdir(join(taking.builds, 'dist.20990101-000000'));
  const { id, notes } = await taking.add(tarOf(app));
  const note = `dist.20990101-000000 is newer by its name: this one is deployed by its own alone, cutover deploy production ${id}`;
  assert.equal(notes, [note]);
});

test('P1: an archive of one folder is taken as it is, and that is said', async (t) => {
  const taking = await makeTaking(t);
  const wrapped = await taking.add(tarOf({ name: 'app-1.2/app.js', body: 'x' }));
  assert.equal(await readdir(join(wrapped.path, 'app-1.2')), ['app.js']);
  assert.match(wrapped.notes.join(), /everything in it is below "app-1\.2"/);
  assert.equal((await taking.add(tarOf(app))).notes, []);
});

test('P1: what GNU tar packs of a tree is that tree', async (t) => {
  const taking = await makeTaking(t);
  const tree = await makeDirectory(t);
  await mkdir(join(tree, 'node_modules/.bin'), { recursive: true });
  for (let at = 0; at < 300; at += 1) {
    const folder = join(tree, `node_modules/p${at % 17}`);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, `f${at}.js`), Buffer.alloc(at * 97, String(at)));
  }
  for (const format of ['pax', 'gnu', 'ustar', 'v7', 'oldgnu']) {
    const packed = join(await mkdtemp(join(taking.around, 'packed-')), format);
    const create = ['tar', '--create', `--format=${format}`, '--file', packed, '--directory', tree, '.'] as const;
    assert.is((await exec(create, { timeoutMs: 10_000 })).code, 0);
    const { path } = await taking.add(streamOf(await readFile(packed), 65_536));
    const same = ['diff', '--recursive', '--exclude', '.cutover.*', tree, path] as const;
    const { code, stdout } = await exec(same, { timeoutMs: 10_000 });
    assert.is(code, 0, `${format}: ${stdout}`);
  }
});

test('P1: root takes in for another user wherever it stands, be it where that user may not go', async (t) => {
  requireRoot();
  const taking = await makeTaking(t);
  await chmod(taking.around, 0o755);
  await chown(taking.builds, 65_534, 65_534);
  const closed = join(taking.around, 'closed');
  await mkdir(closed, { mode: 0o700 });
  const before = process.cwd();
  t.cleanup(() => process.chdir(before));
  process.chdir(closed);
  const { path } = await taking.add(tarOf(app, { name: 'd/x', body: 'x' }));
  assert.is((await stat(join(path, 'd/x'))).uid, 65_534);
});
