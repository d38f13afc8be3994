import fs, { mkdtemp, readdir, stat } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { CutoverError, isCutoverError } from '../../lib/base/errors.ts';
import { inside, makeBelow, pinDirectory, type PinnedDirectory, pinOrMake } from '../../lib/base/pinned-directory.ts';
import { rejection } from '../builds/directory.ts';
import { requireRoot } from '../root.ts';
import { suite, type TestContext } from '../suite.ts';

const test = suite('base/pinned-directory');
const user = 54_321;

/** A directory that another user owns. */
async function folderFor(t: TestContext): Promise<string> {
  requireRoot();
  const folder = await mkdtemp(join(tmpdir(), 'cutover-pinned-'));
  t.cleanup(() => fs.rm(folder, { recursive: true, force: true }));
  await fs.chown(folder, user, user);
  return folder;
}

async function pinned(t: TestContext, path: string): Promise<PinnedDirectory> {
  const directory = await pinDirectory(path);
  if (directory === null) throw new Error(`${path} is not there`);
  t.cleanup(() => directory.file.close());
  return directory;
}

test('what is done to its name leads nobody elsewhere', async (t) => {
  const folder = await folderFor(t);
  await fs.mkdir(join(folder, 'one/deep'), { recursive: true });
  const directory = await pinned(t, join(folder, 'one/deep'));
  await fs.rename(join(folder, 'one'), join(folder, 'away'));
  await fs.symlink('/etc', join(folder, 'one'));
  await fs.writeFile(join(directory.path, 'file'), '');
  assert.equal(await readdir(join(folder, 'away/deep')), ['file']);
});

test('what is not there is null; a file, and for root a link in the directory of another user, is refused', async (t) => {
  const folder = await folderFor(t);
  assert.is(await pinDirectory(join(folder, 'none/below')), null);
  await fs.writeFile(join(folder, 'file'), '');
  assert.match((await rejection(pinDirectory(join(folder, 'file')))).message, `${folder}/file is no directory`);
  await fs.symlink('/etc', join(folder, 'link'));
  assert.is((await rejection(pinDirectory(join(folder, 'link/apt')))).code, 'refused');
});

test('one that is made is for its maker alone; those above it are as mkdir makes them', async (t) => {
  const folder = await folderFor(t);
  await fs.chmod(folder, 0o2775);
  const { directory, isMade } = await pinOrMake(join(folder, 'above/made'));
  t.cleanup(() => directory.file.close());
  const { mode, uid } = await stat(join(folder, 'above/made'));
  assert.equal([isMade, mode & 0o7777, uid], [true, 0o700, process.geteuid?.()]);
  assert.is((await stat(join(folder, 'above'))).mode & 0o700, 0o700);
  const again = await pinOrMake(join(folder, 'above/made'));
  t.cleanup(() => again.directory.file.close());
  assert.is(again.isMade, false);
});

test('another directory that is put in the place of one just made is not taken for it', async (t) => {
  const folder = await folderFor(t);
  const directory = await pinned(t, folder);
  // One that root has left there, with something in it: to be given it would be a gain.
  await fs.mkdir(join(folder, 'left/secret'), { recursive: true });
  const original = fs.mkdir;
  fs.mkdir = async (...words: Parameters<typeof original>) => {
    await original(...words);
    await fs.rename(join(folder, 'made'), join(folder, 'away'));
    await fs.rename(join(folder, 'left'), join(folder, 'made'));
  };
  syncBuiltinESMExports();
  try {
    assert.match((await rejection(makeBelow(directory, 'made'))).message, 'has put another directory in the place of');
  } finally {
    fs.mkdir = original;
    syncBuiltinESMExports();
  }
  assert.is((await stat(join(folder, 'made'))).mode & 0o777, 0o755);
  assert.is((await rejection(makeBelow(directory, 'made'))).code, 'refused', 'a name that is taken');
});

test('what goes wrong inside is told by the name that people know', async (t) => {
  const folder = await folderFor(t);
  const directory = await pinned(t, folder);
  const mend = `ls ${directory.path}/a ${directory.path}9`;
  const error: unknown = await rejection(
    inside(directory, async (path) => {
      throw new CutoverError('disk', `cannot write ${path}/a`, { mend });
    }),
  );
  assert.ok(isCutoverError(error, 'disk'));
  assert.equal([error.message, error.mend], [`cannot write ${folder}/a`, `ls ${folder}/a ${directory.path}9`]);
});
