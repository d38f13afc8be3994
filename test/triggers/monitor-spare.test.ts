import { chmod, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { readSpare, removeSpare, writeSpare } from '../../lib/triggers/monitor/spare.ts';
import { makeDirectory, rejection } from '../builds/directory.ts';
import { suite } from '../suite.ts';

const test = suite('triggers/monitor-spare');
const where = { directory: '/var/lib/cutover/shop/production' };

test('S10: what a pass counted is kept in memory, for each directory of state apart, until it is taken away', async (t) => {
  const root = join(await makeDirectory(t), 'cutover');
  assert.is(await readSpare(where, root), null);
  await removeSpare(where, root);
  const path = await writeSpare(where, 'counted', root);
  assert.is(path, `${root}/var/lib/cutover/shop/production/monitor.json`);
  assert.equal([await readFile(path, 'utf8'), await readSpare(where, root)], ['counted', 'counted']);
  assert.is(await readSpare({ directory: '/var/lib/cutover/shop/staging' }, root), null);
  await removeSpare(where, root);
  assert.is(await readSpare(where, root), null);
});

test('S10: what others may write to, or a link leads to, is neither read nor written', async (t) => {
  const directory = await makeDirectory(t);
  const [open, link] = [join(directory, 'open'), join(directory, 'link')];
  await mkdir(join(open, where.directory), { recursive: true });
  await writeFile(join(open, where.directory, 'monitor.json'), 'theirs');
  await chmod(open, 0o777);
  await mkdir(join(directory, 'elsewhere'));
  await symlink('elsewhere', link);
  for (const root of [open, link]) {
    assert.is(await readSpare(where, root), null);
    const error = await rejection(writeSpare(where, 'ours', root));
    assert.equal([error.code, error.mend], ['refused', `ls -ld ${root}`]);
  }
  assert.is(await readFile(join(open, where.directory, 'monitor.json'), 'utf8'), 'theirs');
});
