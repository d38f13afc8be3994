import { chmod, chown, mkdir, readdir, readFile, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import * as assert from 'uvu/assert';
import { exec, start } from '../../lib/base/exec.ts';
import { takeBackup } from '../../lib/database/backup.ts';
import type { BackupOwner } from '../../lib/database/names.ts';
import { findBackup, restoreBackup } from '../../lib/database/restore.ts';
import { asNobody } from '../base/tmpfs.ts';
import { until } from '../deploy/site.ts';
import { requireRoot } from '../root.ts';
import { suite, type TestContext } from '../suite.ts';
import { makeSqlite, refusal, sqlite } from './samples.ts';

const test = suite('database/sqlite');
const [id, later] = ['20260203-151120-4f2a', '20260203-151121-0000'];
const users = "CREATE TABLE users(name TEXT); INSERT INTO users VALUES ('ann'), ('bob')";
const modes = ['wal', 'delete', 'truncate'];

const pathOf = (owner: BackupOwner): string => owner.database.path ?? '';
const backup = (owner: BackupOwner, t: TestContext, name = id) => takeBackup({ ...owner, id: name, signal: t.signal });
const restore = (owner: BackupOwner, t: TestContext, file: string) =>
  restoreBackup({ ...owner, file, signal: t.signal });
const count = (path: string) => sqlite(path, 'SELECT count(*) FROM users');

for (const mode of modes) {
  test(`P3, B2: what was changed since the backup is as it was (journal mode ${mode})`, async (t) => {
    const owner = await makeSqlite(t, `PRAGMA journal_mode = ${mode}; ${users}`);
    const { file, bytes } = await backup(owner, t);
    assert.is(file, join(owner.database.backups, `shop@production-${id}.sqlite.gz`));
    const [found, directory] = [await stat(file), await stat(dirname(file))];
    assert.equal([found.size, found.mode & 0o777, directory.mode & 0o777], [bytes, 0o600, 0o700]);
    assert.equal(await readdir(owner.database.backups), [`shop@production-${id}.sqlite.gz`]);
    await sqlite(pathOf(owner), 'DELETE FROM users; CREATE TABLE more(a); INSERT INTO more VALUES (1)');
    await restore(owner, t, file);
    assert.is(
      await sqlite(pathOf(owner), 'SELECT group_concat(name) FROM users; PRAGMA integrity_check'),
      'ann,bob\nok',
    );
    assert.is(await sqlite(pathOf(owner), 'SELECT count(*) FROM sqlite_master'), '1');
    assert.is(await sqlite(pathOf(owner), 'PRAGMA journal_mode'), mode === 'wal' ? 'wal' : 'delete');
    assert.equal(await readdir(owner.database.backups), [`shop@production-${id}.sqlite.gz`]);
  });

  test(`P3: a backup is of one moment while the application writes (journal mode ${mode})`, async (t) => {
    const rows = 'WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 20000)';
    const tables = 'CREATE TABLE a(n, pad); CREATE TABLE b(n, pad)';
    const fill = `${rows} INSERT INTO a SELECT 0, hex(randomblob(100)) FROM c; ${rows} INSERT INTO b SELECT 0, hex(randomblob(100)) FROM c`;
    const owner = await makeSqlite(t, `PRAGMA journal_mode = ${mode}; ${tables}; ${fill}`);
    // Both tables always hold the same, and the file grows. Who writes without waiting for the disk leaves the backup its turns.
    const change =
      'PRAGMA synchronous = OFF; BEGIN IMMEDIATE; UPDATE a SET n = n + 1 WHERE rowid % 100 = 0; UPDATE b SET n = n + 1 WHERE rowid % 100 = 0; COMMIT;';
    const stop = writeOn(pathOf(owner), change);
    t.cleanup(stop);
    for (const name of [id, later]) {
      const { file } = await backup(owner, t, name);
      const copy = `${pathOf(owner)}.copy`;
      await writeFile(copy, gunzipSync(await readFile(file)));
      const sums = await sqlite(copy, 'SELECT sum(n) FROM a; SELECT sum(n) FROM b');
      const [one, other] = sums.split('\n');
      assert.is(one, other);
    }
    await until('it writes', async () => Number(await sqlite(pathOf(owner), 'SELECT max(n) FROM a')) > 3);
    const written = await stop();
    assert.is(await sqlite(pathOf(owner), 'SELECT max(n) FROM a'), String(written));
  });
}

/** Writes again and again; the one that is returned ends that and tells how often it was done. */
function writeOn(path: string, change: string): () => Promise<number> {
  const ended = new AbortController();
  const writing = (async () => {
    let times = 0;
    for (; !ended.signal.aborted; times += 1) await sqlite(path, change);
    return times;
  })();
  return () => {
    ended.abort();
    return writing;
  };
}

test('P3: owner, mode, inode and a link to it stay', async (t) => {
  const owner = await makeSqlite(t, users);
  const path = pathOf(owner);
  await chown(path, 65_534, 33);
  await chmod(path, 0o664);
  const before = await stat(path);
  const link = `${path}.link`;
  await symlink(path, link);
  const linked = { ...owner, database: { ...owner.database, path: link } };
  const { file } = await backup(linked, t);
  await sqlite(path, 'DROP TABLE users');
  await restore(linked, t, file);
  const after = await stat(path);
  assert.equal([after.uid, after.gid, after.mode, after.ino], [65_534, 33, before.mode, before.ino]);
  assert.is(await count(link), '2');
});

test('P3: a backup is found by its path, and by its name', async (t) => {
  const owner = await makeSqlite(t, users);
  const { file, bytes } = await backup(owner, t);
  const name = `shop@production-${id}.sqlite.gz`;
  for (const [given, cwd] of [
    [file, '/'],
    [name, '/'],
    [name, owner.database.backups],
  ] as const) {
    const found = await findBackup(given, owner.database, cwd);
    assert.equal([found.path, found.bytes], [file, bytes]);
  }
  assert.match(await refusal(findBackup('none.gz', owner.database, '/')), `usage: there is no backup none.gz`);
});

test('P3: a file that is not compressed, or by another program, is restored too', async (t) => {
  const owner = await makeSqlite(t, users);
  const { file } = await backup(owner, t);
  await writeFile(`${file}.plain`, gunzipSync(await readFile(file)));
  assert.is((await exec(['zstd', '-q', '-o', `${file}.packed`, `${file}.plain`], { timeoutMs: 20_000 })).code, 0);
  for (const other of ['plain', 'packed']) {
    await sqlite(pathOf(owner), 'DROP TABLE users');
    await restore(owner, t, `${file}.${other}`);
    assert.is(await count(pathOf(owner)), '2');
  }
  const packed = await readFile(`${file}.packed`);
  await writeFile(`${file}.torn`, packed.subarray(0, -20));
  assert.match(await refusal(restore(owner, t, `${file}.torn`)), 'refused: ');
});

test('P3: a truncated, a damaged and a foreign file leave the database as it was', async (t) => {
  const rows = 'WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 3000)';
  const owner = await makeSqlite(t, `${users}; ${rows} INSERT INTO users SELECT hex(randomblob(50)) FROM c`);
  const { file } = await backup(owner, t);
  const [packed, plain] = [await readFile(file), gunzipSync(await readFile(file))];
  const torn = plain.fill(0x55, 4096 * 3, 4096 * 5);
  const before = await readFile(pathOf(owner));
  const bad: [string, Buffer, RegExp][] = [
    ['half', packed.subarray(0, packed.length / 2), /is damaged: unexpected end of file/],
    ['short', packed.subarray(0, -1), /is damaged/],
    ['text', Buffer.from('hello'), /is not a backup of a SQLite database/],
    ['empty', Buffer.alloc(0), /is not a backup of a SQLite database/],
    ['packed text', gzipSync('hello'), /is not a backup of a SQLite database/],
    ['torn', torn, /integrity_check|malformed/],
    ['cut', gzipSync(gunzipSync(packed).subarray(0, 8192)), /malformed|integrity_check/],
  ];
  for (const [name, content, message] of bad) {
    const path = join(owner.database.backups, name);
    await writeFile(path, content);
    const said = await refusal(restore(owner, t, path));
    assert.match(said, message, name);
    assert.ok(said.includes(path) && said.includes(` -> ls -lt ${owner.database.backups}`), said);
    assert.equal(await readFile(pathOf(owner)), before, name);
  }
});

test('P3: a backup that fails the query is none, and is not restored', async (t) => {
  const owner = await makeSqlite(t, users, { verify: 'SELECT count(*) FROM orders' });
  const fails = 'fails database.verify (SELECT count(*) FROM orders): ';
  assert.match(await refusal(backup(owner, t)), `refused: ${pathOf(owner)} ${fails}`);
  assert.equal(await readdir(owner.database.backups), []);
  const other = await makeSqlite(t, users);
  const { file } = await backup(other, t);
  const said = await refusal(restore(owner, t, file));
  assert.match(said, `refused: ${file} ${fails}`);
  assert.match(said, /no such table: orders[^]* -> ls -lt /);
  assert.is(await count(pathOf(owner)), '2');
});

test('P3: a database that contradicts itself is no backup', async (t) => {
  const table = 'CREATE TABLE t(a, b); CREATE INDEX i ON t(a); INSERT INTO t VALUES (1, 2), (3, 4)';
  const owner = await makeSqlite(t, table);
  // An index of the wrong column: readable, and wrong.
  const wrong = "UPDATE sqlite_master SET sql = 'CREATE INDEX i ON t(b)' WHERE name = 'i'";
  await sqlite(pathOf(owner), `PRAGMA writable_schema = ON; ${wrong}`);
  assert.match(await refusal(backup(owner, t)), `refused: ${pathOf(owner)} fails integrity_check: `);
  assert.equal(await readdir(owner.database.backups), []);
});

test('P3: a database that is damaged, or missing, is replaced', async (t) => {
  const owner = await makeSqlite(t, `PRAGMA journal_mode = wal; ${users}`);
  const { file } = await backup(owner, t);
  const path = pathOf(owner);
  await chmod(path, 0o640);
  await writeFile(path, 'this is no database any more, whatever it was before');
  assert.match(await refusal(backup(owner, t, later)), 'not a database');
  const put = await restore(owner, t, file);
  assert.is(await count(path), '2');
  const names = await readdir(dirname(path));
  const aside = names.find((name) => name.startsWith('app.db.broken-')) ?? '';
  assert.is(put.setAside, join(dirname(path), aside));
  assert.match(await readFile(join(dirname(path), aside), 'utf8'), 'this is no database any more');
  assert.is((await stat(path)).mode & 0o777, 0o640);
  await truncate(path);
  const missing = { ...owner, database: { ...owner.database, path: `${path}.new` } };
  await restore(missing, t, file);
  assert.is(await count(`${path}.new`), '2');
  const nowhere = { ...owner, database: { ...owner.database, path: join(dirname(path), 'gone/app.db') } };
  assert.match(await refusal(restore(nowhere, t, file)), 'gone does not exist -> ls -ld ');
});

test('P3: a file that has to be made is made for who will open it, and that is said', async (t) => {
  requireRoot();
  const owner = await makeSqlite(t, users);
  const { file } = await backup(owner, t);
  const notes: string[] = [];
  const missing = { ...owner, database: { ...owner.database, path: `${pathOf(owner)}.new` } };
  const madeFor = { uid: 65534, gid: 65534, name: 'nobody:nogroup' };
  await restoreBackup({ ...missing, file, signal: t.signal, madeFor, onNote: (note) => void notes.push(note) });
  const { uid, gid, mode } = await stat(pathOf(missing));
  assert.equal([uid, gid, mode & 0o777], [65534, 65534, 0o600]);
  assert.equal(notes, [`${pathOf(missing)} was not there: it is made with mode 600 for nobody:nogroup`]);
});

test('P3: a database that another process keeps locked is left alone, and told of', async (t) => {
  const owner = await makeSqlite(t, users);
  const { file } = await backup(owner, t);
  const held =
    'BEGIN EXCLUSIVE; SELECT 1; WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c';
  const holder = await start(['sqlite3', '-cmd', '.timeout 20000', pathOf(owner), held]);
  t.cleanup(() => holder.kill('SIGKILL'));
  const ask = ['sqlite3', pathOf(owner), 'SELECT * FROM users'] as const;
  await until('it is locked', async () => (await exec(ask, { timeoutMs: 20_000 })).code !== 0);
  const said = await refusal(restore(owner, t, file));
  assert.match(said, `${pathOf(owner)} is kept locked by another process -> fuser -v ${pathOf(owner)}`);
});

test('P3: an interruption ends a backup at once, and leaves nothing half', async (t) => {
  const rows = 'WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 300000)';
  const owner = await makeSqlite(t, `${users}; ${rows} INSERT INTO users SELECT hex(randomblob(100)) FROM c`);
  const signal = AbortSignal.timeout(150);
  await takeBackup({ ...owner, id, signal }).then(
    () => assert.unreachable('the backup was too quick for this test'),
    (error: Error) => assert.is(error.name, 'TimeoutError'),
  );
  assert.equal(await readdir(owner.database.backups), []);
});

test('P3: what a process of another user left is told of', async (t) => {
  const owner = await makeSqlite(t, users);
  const { backups } = owner.database;
  const left = join(backups, '.shop@production.backup');
  await mkdir(left, { recursive: true });
  await writeFile(join(left, 'copy.db'), 'half');
  for (const path of [dirname(backups), backups]) await chmod(path, 0o777);
  assert.match(
    await asNobody(() => refusal(backup(owner, t))),
    `${left} was left by another user -> sudo rm -r ${left}`,
  );
});

test('P3: what a killed backup left is removed by the next one', async (t) => {
  const owner = await makeSqlite(t, users);
  await backup(owner, t);
  const left = join(owner.database.backups, '.shop@production.backup');
  await mkdir(left);
  await writeFile(join(left, 'copy.db'), 'half');
  await backup(owner, t, later);
  assert.equal((await readdir(owner.database.backups)).length, 2);
});
