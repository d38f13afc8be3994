import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { suite } from '../../suite.ts';
import { rejection } from '../directory.ts';
import { type Block, compressions, long, pax, tarOf, unended, zeroBlock } from './archive.ts';
import { assertUntouched, makeTaking } from './taking.ts';

const test = suite('builds/intake/hostile');

const good: Block = { name: 'app.js', body: 'console.log(1)' };
const file = (name: Block['name'], more: Partial<Block> = {}): Block => ({ name, body: 'x', ...more });
const folder = (name: string, mode = 0o755): Block => ({ name, type: '5', mode });
const link = (name: string, to: string): Block => ({ name, type: '2', to });
const hardLink = (name: string, to: string): Block => ({ name, type: '1', to });
const deep = (levels: number): string => Array.from({ length: levels }, () => 'd').join('/');

/** Each with what is said of it. */
const hostile: Record<string, [Buffer, RegExp]> = {
  'a path upwards': [tarOf(good, file('../../evil')), /"\.\.\/\.\.\/evil" leads out of the build/],
  'a path upwards in the middle': [tarOf(good, file('a/../../evil')), /leads out of the build/],
  'a path that comes back': [tarOf(good, file('a/../b')), /leads out of the build/],
  'a path upwards in a pax header': [tarOf(pax({ path: '../evil' }), good), /"\.\.\/evil" leads out/],
  'a path upwards in a long name': [tarOf(long(`${'d/'.repeat(60)}../evil`), file('x')), /leads out of the build/],
  'a path upwards in a prefix': [tarOf(file('evil', { prefix: '..' })), /leads out of the build/],
  'a folder upwards': [tarOf(good, folder('../evil/')), /leads out of the build/],
  'the folder above': [tarOf(good, folder('..')), /leads out of the build/],
  'an absolute path': [tarOf(good, file('/tmp/evil')), /"\/tmp\/evil" has an absolute path/],
  'an absolute path with two slashes': [tarOf(good, file('//tmp/evil')), /absolute path/],
  'a global header with a path': [tarOf(pax({ path: '../evil' }, 'g'), good), /GNU tar says "Removing leading/],
  'a link upwards': [
    tarOf(good, link('l', '../../secret')),
    /"l" is a link that leads out of the build, to "\.\.\/\.\.\/secret"/,
  ],
  'an absolute link': [
    tarOf(good, link('l', '/etc/passwd')),
    /"l" is a link that leads out of the build, to "\/etc\/passwd"/,
  ],
  'a link to the folder above, by its name': [tarOf(good, link('l', '../.incoming')), /leads out/],
  'a link upwards in a pax header': [tarOf(good, pax({ linkpath: '../../secret' }), link('l', 'app.js')), /leads out/],
  'a link upwards in a long name': [tarOf(good, long('../'.repeat(50), 'K'), link('l', 'app.js')), /leads out/],
  'a chain of links that leads out': [
    tarOf(good, folder('a/b/c'), link('d', 'a/b/c'), link('e', 'd/../../../..')),
    /"e" is a link that leads out/,
  ],
  'a chain of links to nothing outside': [
    tarOf(good, folder('a/b'), link('a/b/up', '../..'), link('e', 'a/b/up/../nothing')),
    /"e" is a link that leads out/,
  ],
  'a link upwards through nothing': [tarOf(good, link('l', 'none/../../../secret')), /"l" is a link that leads out/],
  'links in circles': [tarOf(good, link('a', 'b'), link('b', 'a')), /leads in circles/],
  'a link to itself': [tarOf(good, link('a', 'a')), /leads in circles/],
  'a file through a link upwards': [
    tarOf(good, link('l', '..'), file('l/evil')),
    /"l\/evil" lies below "l", which is not a folder/,
  ],
  'a file through a link inside': [tarOf(good, folder('d'), link('l', 'd'), file('l/x')), /lies below "l"/],
  'a file through a file': [tarOf(good, file('app.js/x')), /lies below "app.js"/],
  'a folder where a link is': [tarOf(good, link('l', '..'), folder('l/')), /"l\/" is there twice/],
  'a link where a folder is': [tarOf(folder('d'), file('d/x'), link('d', '..')), /"d" is there twice/],
  'a file where a link is': [tarOf(good, link('l', 'app.js'), file('l')), /"l" is there twice/],
  'a file twice': [tarOf(good, good), /"app.js" is there twice/],
  'a file twice, under two spellings': [tarOf(good, file('.//app.js')), /is there twice/],
  'a file where a folder must be': [tarOf(file('d/x'), file('d')), /"d" is there twice/],
  'a hard link upwards': [tarOf(good, hardLink('h', '../../secret')), /"h" leads out of the build/],
  'an absolute hard link': [tarOf(good, hardLink('h', '/etc/passwd')), /"h" has an absolute path: "\/etc\/passwd"/],
  'a hard link to a link': [
    tarOf(good, link('l', '..'), hardLink('h', 'l')),
    /"h" is a hard link to "l", which is no file/,
  ],
  'a hard link to a folder': [tarOf(good, folder('d'), hardLink('h', 'd')), /is a hard link to "d", which is no file/],
  'a hard link to nothing': [tarOf(good, hardLink('h', 'nothing')), /is a hard link to "nothing"/],
  'a hard link to itself': [tarOf(good, hardLink('h', 'h')), /is a hard link to "h"/],
  'a hard link to what comes later': [tarOf(hardLink('h', 'app.js'), good), /is a hard link to "app.js"/],
  'a hard link with a content': [tarOf(good, { ...hardLink('h', 'app.js'), body: 'evil' }), /content of its own/],
  'a character device': [tarOf(good, file('null', { type: '3', body: '' })), /"null" is a CharacterDevice/],
  'a block device': [tarOf(good, file('sda', { type: '4', body: '' })), /"sda" is a BlockDevice/],
  'a pipe': [tarOf(good, file('pipe', { type: '6', body: '' })), /"pipe" is a FIFO/],
  'a sparse file': [tarOf(good, file('holes', { type: 'S' })), /"holes" is a SparseFile/],
  'a sparse file of pax': [
    tarOf(good, pax({ 'GNU.sparse.major': '1', 'GNU.sparse.name': 'evil' }), file('x')),
    /holds a sparse file/,
  ],
  'an increment': [tarOf(good, file('dump', { type: 'D' })), /is a GNUDumpDir/],
  'a volume of several': [tarOf(good, file('rest', { type: 'M' })), /is a ContinuationFile/],
  'a type that nobody knows': [tarOf(good, file('odd', { type: 'Z' })), /"odd" is a/],
  'no name': [tarOf(good, file('')), /damaged, or no tar archive/],
  'a file for the build itself': [tarOf(good, file('./')), /damaged, or no tar archive/],
  'a link for the build itself': [tarOf(good, link('.', '..')), /"\." has no name/],
  'a name that is not UTF-8': [tarOf(good, file(Buffer.from([0x61, 0xff, 0xfe]))), /has a name that is not UTF-8/],
  'a link to a name that is not UTF-8': [tarOf(good, pax({ linkpath: '\uFFFD' }), link('l', 'x')), /that is not UTF-8/],
  'a name with a line in it': [tarOf(good, file('a\nb')), /control character/],
  'a name that writes on the terminal': [
    tarOf(good, file('\u001B[2Jx')),
    /"\\u001b\[2Jx" has a name with a control character/,
  ],
  'a name with a line in it, in a pax header': [
    tarOf(pax({ path: 'a\nb' }), good),
    /read in two ways, which differ at/,
  ],
  'a path that is too long': [
    tarOf(good, pax({ path: `${'d/'.repeat(10)}${'x'.repeat(200)}/`.repeat(6) }), file('x')),
    /more than 1024 bytes/,
  ],
  'a name that is too long': [
    tarOf(good, pax({ path: 'n'.repeat(256) }), file('x')),
    /has a name of more than 255 bytes/,
  ],
  'a link to a path that is too long': [
    tarOf(good, pax({ linkpath: 'n/'.repeat(600) }), link('l', 'x')),
    /more than 1024 bytes/,
  ],
  'too many folders in folders': [tarOf(good, pax({ path: deep(65) }), file('x')), /lies more than 64 folders deep/],
  'a file larger than a number': [tarOf(good, file('huge', { body: '', size: 2 ** 62 })), /damaged/],
  'a file larger than any build': [tarOf(good, file('huge', { body: '', size: 2 ** 42 })), /unpacks to more than/],
  'a header of a pax header that is too long': [
    tarOf({ ...pax({}), body: Buffer.alloc(2 ** 20 + 512, 'x') }, good),
    /header of \d+ bytes/,
  ],
  'a folder with the name of the manifest': [tarOf(good, folder('.cutover.json')), /name of a file of cutover/],
  'a link with the name of the manifest': [tarOf(good, link('.cutover.json', 'app.js')), /name of a file of cutover/],
  'a hard link with the name of the list': [
    tarOf(good, hardLink('.cutover.files', 'app.js')),
    /name of a file of cutover/,
  ],
  'a file below the manifest': [tarOf(good, file('.cutover.json/x')), /name of a file of cutover/],
  'a manifest twice': [tarOf(good, file('.cutover.json'), file('./.cutover.json')), /is there twice/],
  'a false checksum': [tarOf(good, file('x', { checksum: 1 })), /damaged/],
  'one empty block and more behind it': [
    unended(good, zeroBlock, file('hidden'), zeroBlock, zeroBlock),
    /read in two ways/,
  ],
  nothing: [Buffer.alloc(0), /the archive is empty/],
  'an end mark alone': [tarOf(), /no tar archive/],
  'folders alone': [tarOf(folder('a'), folder('a/b')), /holds no file/],
  'a manifest alone': [tarOf(file('.cutover.json')), /holds no file/],
  'a text': [Buffer.from('#!/bin/sh\nexit 0\n'.repeat(100)), /damaged, or no tar archive/],
  'one byte': [Buffer.from('x'), /no tar archive/],
  'a zip': [
    Buffer.from('PK\u0003\u0004rest of a zip'),
    /compressed with zip; taken in are \.tar, \.tar\.gz and \.tar\.zst/,
  ],
  'an xz': [Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]), /compressed with xz/],
  'no end mark': [unended(good), /cut off/],
  'half an end mark': [unended(good, zeroBlock), /cut off/],
  'cut off in a file': [unended(file('large', { body: Buffer.alloc(4096) })).subarray(0, 2000), /damaged|cut off/],
  'cut off in a header': [unended(good, file('x')).subarray(0, 1200), /cut off/],
};

for (const [name, [archive, message]] of Object.entries(hostile)) {
  test(`P1: ${name} is refused, and nothing of it stays`, async (t) => {
    const taking = await makeTaking(t);
    const before = await taking.look();
    for (const [how, compress] of Object.entries(compressions)) {
      if (archive.length === 0 && how !== 'plain') continue;
      if (how !== 'plain' && /zip|xz/.test(name)) continue;
      const error = await rejection(taking.add(await compress(archive)));
      assert.match(error.message, message, how);
      assert.equal([error.code, typeof error.mend], ['no_build', 'string'], how);
      assert.not.match(error.message, /\p{Cc}/u, 'a message of one line');
      await assertUntouched(taking, before);
    }
  });
}

test('P1: what is compressed and cut off, damaged, or compressed twice is refused', async (t) => {
  const taking = await makeTaking(t);
  const before = await taking.look();
  const archive = tarOf(good, file('large', { body: Buffer.alloc(300_000, 'abcdefg') }));
  const { gzip, zstd } = compressions as Record<'gzip' | 'zstd', (typeof compressions)[string]>;
  const [packed, standard] = [await gzip(archive), await zstd(archive)];
  const damaged = Buffer.from(packed);
  damaged.fill(0x55, packed.length - 6);
  const cases: [Buffer, RegExp][] = [
    [packed.subarray(0, packed.length - 20), /damaged: gzip: unexpected end of file/],
    [standard.subarray(0, standard.length - 20), /damaged: zstd/],
    [damaged, /damaged: gzip/],
    [packed.subarray(0, 8), /damaged: gzip/],
    [await gzip(packed), /compressed twice/],
    [await gzip(standard), /compressed twice/],
  ];
  for (const [bytes, message] of cases) {
    const error = await rejection(taking.add(bytes));
    assert.match(error.message, message);
    assert.is(error.code, 'no_build');
    await assertUntouched(taking, before);
  }
});

test('P1: another checksum is refused before anything is published', async (t) => {
  const taking = await makeTaking(t);
  const path = join(taking.around, 'app.tar');
  await writeFile(path, tarOf(good));
  const before = await taking.look();
  for (const archive of [path, tarOf(good)]) {
    const error = await rejection(taking.add(archive, { sha256: 'a'.repeat(64) }));
    assert.match(error.message, /another checksum: [0-9a-f]{64} came, a{64} was to come/);
    assert.is(error.code, 'no_build');
  }
  for (const sha256 of ['', 'a'.repeat(63), 'g'.repeat(64)]) {
    assert.is((await rejection(taking.add(path, { sha256 }))).code, 'usage', sha256);
  }
  for (const more of [{ revision: 'a\nb' }, { branch: '\u001B[2J' }, { revision: 'x'.repeat(201) }]) {
    assert.is((await rejection(taking.add(path, more))).code, 'usage');
  }
  await assertUntouched(taking, before);
});

test('P1: an archive that is not there, or is a directory, is named', async (t) => {
  const taking = await makeTaking(t);
  const missing = await rejection(taking.add(join(taking.around, 'none.tar')));
  assert.equal([missing.code, missing.message], ['no_build', `there is no archive ${taking.around}/none.tar`]);
  const directory = await rejection(taking.add(taking.around));
  assert.match(directory.message, 'is a directory, not an archive');
  assert.match(directory.mend ?? '', 'cutover add -');
});

test('P1: a builds directory that is not there, and an .incoming that leads elsewhere, are refused', async (t) => {
  const taking = await makeTaking(t);
  const elsewhere = join(taking.around, 'elsewhere');
  await mkdir(join(elsewhere, 'of-value'), { recursive: true });
  await symlink(elsewhere, join(taking.builds, '.incoming'));
  const error = await rejection(taking.add(tarOf(good)));
  assert.equal([error.code, error.message.endsWith('is not a directory')], ['refused', true]);
  assert.ok((await taking.look()).has('elsewhere/of-value'));
  const nowhere = { ...taking.place, target: { ...taking.place.target, builds: join(taking.around, 'none') } };
  const { addBuild } = await import('../../../lib/deployer/add.ts');
  const missing = await rejection(addBuild(nowhere, { archive: join(taking.around, 'secret') }));
  assert.equal([missing.code, missing.mend], ['no_build', `mkdir -p ${taking.around}/none`]);
});
