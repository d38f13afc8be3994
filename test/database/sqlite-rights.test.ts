import { chmod, chown, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import * as assert from 'uvu/assert';
import { takeBackup } from '../../lib/database/backup.ts';
import type { BackupOwner } from '../../lib/database/names.ts';
import { restoreBackup } from '../../lib/database/restore.ts';
import { asNobody } from '../base/tmpfs.ts';
import { requireRoot } from '../root.ts';
import { suite, type TestContext } from '../suite.ts';
import { makeSqlite, refusal, sqlite } from './samples.ts';

const test = suite('database/sqlite and its rights');
const id = '20260203-151120-4f2a';
const users = "CREATE TABLE users(name TEXT); INSERT INTO users VALUES ('ann'), ('bob')";
// The users "daemon" and "bin" of Debian are each in the group of that name alone.
const [daemon, bin] = [1, 2];

interface Held {
  uid: number;
  gid: number;
  mode: number;
}

/** A damaged database of somebody else, and what restores it as a plain user of these groups. */
async function makeDamaged(t: TestContext, { uid, gid, mode }: Held, groups: number[]) {
  requireRoot();
  const owner: BackupOwner = await makeSqlite(t, users);
  const path = owner.database.path ?? '';
  const { file } = await takeBackup({ ...owner, id, signal: t.signal });
  await writeFile(path, 'damaged');
  await chown(path, uid, gid);
  await chmod(path, mode);
  for (const place of [dirname(path), owner.database.backups, file]) await chmod(place, 0o777);
  process.setgroups?.(groups);
  t.cleanup(() => process.setgroups?.([0]));
  return { path, restore: () => asNobody(() => restoreBackup({ ...owner, file, signal: t.signal, isSetAside: true })) };
}

test('P3: a plain user of its group replaces a damaged file, which its service can use as before', async (t) => {
  const { path, restore } = await makeDamaged(t, { uid: daemon, gid: daemon, mode: 0o664 }, [daemon]);
  await restore();
  const { uid, gid, mode } = await stat(path);
  assert.equal([uid, gid, mode & 0o777], [65_534, daemon, 0o664]);
  assert.is(await sqlite(path, 'SELECT group_concat(name) FROM users'), 'ann,bob');
});

for (const [what, held, groups] of [
  ['is not in its group', { uid: daemon, gid: daemon, mode: 0o664 }, []],
  ['leaves its owner fewer rights', { uid: daemon, gid: daemon, mode: 0o644 }, [daemon]],
  ['leaves it to a group that its owner is not in', { uid: daemon, gid: bin, mode: 0o660 }, [bin]],
] as const) {
  test(`P3: a plain user who ${what} does not take a damaged file away from its service`, async (t) => {
    const { path, restore } = await makeDamaged(t, held, [...groups]);
    const before = await readdir(dirname(path));
    const said = await refusal(restore());
    assert.match(said, `permission: ${path} would be lost to its user 1: only root can make it anew -> ls -l ${path}`);
    assert.equal([await readdir(dirname(path)), await readFile(path, 'utf8')], [before, 'damaged']);
  });
}
