import { chown, mkdir, realpath, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { firmPath } from '../../lib/base/firm-path.ts';
import { makeDirectory, rejection } from '../builds/directory.ts';
import { requireRoot } from '../root.ts';
import { suite } from '../suite.ts';
import { asNobody } from './tmpfs.ts';

const test = suite('base/firm-path');
const user = 54_321;

test('every link on the way is gone, and what is not there stays as it is called', async (t) => {
  const folder = await realpath(await makeDirectory(t));
  await mkdir(join(folder, 'real/deep'), { recursive: true });
  await symlink('real/deep', join(folder, 'near'));
  await symlink(join(folder, 'near'), join(folder, 'far'));
  await symlink('../none/file', join(folder, 'real/nowhere'));
  const cases = [
    ['far/file', 'real/deep/file'],
    ['far/../nowhere', 'none/file'],
    ['none/../near', 'real/deep'],
    ['./real//deep/', 'real/deep'],
  ] as const;
  for (const [given, found] of cases) assert.is(await firmPath(`${folder}/${given}`), join(folder, found));
  assert.is(await firmPath('/'), '/');
});

test('links that lead in a circle are refused', async (t) => {
  const folder = await makeDirectory(t);
  await symlink('two', join(folder, 'one'));
  await symlink('one', join(folder, 'two'));
  const { code, message } = await rejection(firmPath(join(folder, 'one/file')));
  assert.equal([code, message], ['refused', `${folder}/one/file leads through too many links`]);
});

test("root does not go by a link in another user's directory, whosever it is, nor by another user's", async (t) => {
  requireRoot();
  const folder = await realpath(await makeDirectory(t));
  await mkdir(join(folder, 'theirs/real'), { recursive: true });
  await symlink('real', join(folder, 'theirs/link'));
  await chown(join(folder, 'theirs'), user, user);
  await symlink('theirs/link', join(folder, 'to-link'));
  await symlink('theirs/real', join(folder, 'to-real'));
  for (const way of ['theirs/link', 'theirs/link/file', 'to-link/file']) {
    const { code, message, mend } = await rejection(firmPath(join(folder, way)));
    const what = join(folder, 'theirs/link');
    assert.equal([code, mend], ['refused', `ls -ld ${what}, and name the file itself`]);
    assert.is(message, `${what} is a link that another user than root may have put there`);
  }
  assert.is(await firmPath(join(folder, 'to-real/file')), join(folder, 'theirs/real/file'));
});

test('whoever is not root goes by every link', async (t) => {
  requireRoot();
  const folder = await realpath(await makeDirectory(t));
  await symlink('/usr', join(folder, 'link'));
  await chown(folder, 65_534, 65_534);
  assert.is((await rejection(firmPath(join(folder, 'link/bin')))).code, 'refused');
  await asNobody(async () => assert.is(await firmPath(join(folder, 'link/bin')), '/usr/bin'));
});
