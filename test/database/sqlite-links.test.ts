import { chown, mkdir, readdir, readFile, rename, stat, symlink, unlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as assert from 'uvu/assert';
import { takeBackup } from '../../lib/database/backup.ts';
import type { BackupOwner } from '../../lib/database/names.ts';
import { restoreBackup } from '../../lib/database/restore.ts';
import { querySqlite, runSqlite } from '../../lib/stores/sqlite.ts';
import { makeDirectory } from '../builds/directory.ts';
import { requireRoot } from '../root.ts';
import { suite, type TestContext } from '../suite.ts';
import { makeSqlite, refusal, sqlite } from './samples.ts';

const test = suite('database/sqlite-links');
const [id, later] = ['20260203-151120-4f2a', '20260203-151121-0000'];
const users = "CREATE TABLE users(name TEXT); INSERT INTO users VALUES ('ann'), ('bob')";
const service = 54_321;

interface Served {
  owner: BackupOwner;
  /** the database, in a directory that the service's user owns */
  path: string;
  file: string;
  /** a directory of root's */
  secret: string;
}

const backup = (owner: BackupOwner, t: TestContext, name = id) => takeBackup({ ...owner, id: name, signal: t.signal });
const restore = (owner: BackupOwner, t: TestContext, file: string) =>
  restoreBackup({ ...owner, file, signal: t.signal });
const at = (owner: BackupOwner, path: string): BackupOwner => ({ ...owner, database: { ...owner.database, path } });

async function makeServed(t: TestContext): Promise<Served> {
  requireRoot();
  const made = await makeSqlite(t, users);
  const data = join(dirname(made.database.path ?? ''), 'data');
  await mkdir(data);
  const path = join(data, 'app.db');
  await rename(made.database.path ?? '', path);
  for (const one of [data, path]) await chown(one, service, service);
  const owner = at(made, path);
  return { owner, path, file: (await backup(owner, t)).file, secret: await makeDirectory(t) };
}

/** What the user of the service may put in the place of its database, and root must not go by. */
const traps: [what: string, set: (served: Served) => Promise<unknown>][] = [
  ['a link that leads nowhere yet', ({ path, secret }) => symlink(join(secret, 'app.db'), path)],
  [
    'a link to a file',
    async ({ path, secret }) => {
      await writeFile(join(secret, 'app.db'), "root's");
      await symlink(join(secret, 'app.db'), path);
    },
  ],
  [
    'a link to a database',
    async ({ path, secret }) => {
      await sqlite(join(secret, 'app.db'), 'CREATE TABLE secrets(a)');
      await symlink(join(secret, 'app.db'), path);
    },
  ],
];

for (const [what, set] of traps) {
  test(`P3: ${what}, which the service's user put in the place of the database: root leaves alone what it leads to`, async (t) => {
    const served = await makeServed(t);
    const { owner, path, file, secret } = served;
    await unlink(path);
    await set(served);
    const before = await contents(secret);
    for (const work of [() => restore(owner, t, file), () => backup(owner, t, later)]) {
      const said = await refusal(work());
      assert.match(said, `refused: ${path} is a link that another user than root may have put there`);
      assert.match(said, ` -> ls -ld ${path}`);
    }
    assert.equal(await contents(secret), before);
    assert.equal((await readdir(owner.database.backups)).length, 1);
  });
}

test("P3: a link in the place of a directory on the way is another user's word as well", async (t) => {
  const { owner, path, file, secret } = await makeServed(t);
  const deep = join(dirname(path), 'deep');
  await symlink(secret, deep);
  assert.match(await refusal(restore(at(owner, join(deep, 'app.db')), t, file)), `refused: ${deep} is a link`);
  assert.equal(await readdir(secret), []);
});

test("P3: root's own links are followed: to the file, to its directory, and to a directory of the service's", async (t) => {
  const { owner, path, file, secret } = await makeServed(t);
  await symlink(path, join(secret, 'file.db'));
  await symlink(dirname(path), join(secret, 'place'));
  await symlink('place', join(secret, 'again'));
  for (const name of ['file.db', 'place/app.db', 'again/app.db']) {
    const linked = at(owner, join(secret, name));
    await sqlite(path, 'DELETE FROM users');
    const before = await stat(path);
    await restore(linked, t, file);
    assert.is(await sqlite(path, 'SELECT count(*) FROM users'), '2', name);
    assert.is((await stat(path)).ino, before.ino);
    await writeFile(path, 'not a database any more');
    await restore(linked, t, file);
    const { uid, gid } = await stat(path);
    assert.equal([await sqlite(path, 'SELECT count(*) FROM users'), uid, gid], ['2', service, service], name);
    await backup(linked, t, later);
  }
  assert.equal((await readdir(secret)).toSorted(), ['again', 'file.db', 'place']);
});

test('P3: a link that comes in the way after root has looked is not followed either', async (t) => {
  const folder = await makeDirectory(t);
  await mkdir(join(folder, 'data'));
  await sqlite(join(folder, 'data/app.db'), users);
  await symlink('app.db', join(folder, 'data/link.db'));
  await symlink('data', join(folder, 'place'));
  const patience = { timeoutMs: 20_000, signal: t.signal };
  for (const name of ['data/link.db', 'place/app.db']) {
    const path = join(folder, name);
    assert.match(await refusal(runSqlite(path, ['DELETE FROM users'], patience)), 'unable to open');
    const asked = querySqlite(path, 'SELECT * FROM users', { ...patience, isFirm: true });
    assert.match(await refusal(asked), 'unable to open');
  }
  assert.is(await sqlite(join(folder, 'data/app.db'), 'SELECT count(*) FROM users'), '2');
});

test("P3: root's way back goes to no file that a link beside the database leads to", async (t) => {
  const { owner, path, file, secret } = await makeServed(t);
  for (const end of ['-journal', '-wal', '-shm', '.restoring']) {
    await symlink(join(secret, 'file'), `${path}${end}`);
    await restore(owner, t, file).catch(() => {});
    await writeFile(path, 'not a database any more');
    await restore(owner, t, file);
    assert.equal(await readdir(secret), [], end);
    assert.is(await sqlite(path, 'SELECT count(*) FROM users'), '2', end);
  }
});

async function contents(directory: string): Promise<[string, string][]> {
  const names = (await readdir(directory)).toSorted();
  return Promise.all(
    names.map(async (name): Promise<[string, string]> => [name, await readFile(join(directory, name), 'latin1')]),
  );
}
