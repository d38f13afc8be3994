import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { exec } from '../../lib/base/exec.ts';
import { takeBackup } from '../../lib/database/backup.ts';
import type { BackupOwner } from '../../lib/database/names.ts';
import { postgres } from '../../lib/database/postgres.ts';
import { restoreBackup, withBackup } from '../../lib/database/restore.ts';
import { makeDirectory, rejection } from '../builds/directory.ts';
import { until } from '../deploy/site.ts';
import { suite, type TestContext } from '../suite.ts';
import { contentOf, makeDatabase, makePlainDatabase } from './postgres-samples.ts';
import { refusal } from './samples.ts';

const test = suite('database/postgres');
const [id, later] = ['20260203-151120-4f2a', '20260203-151121-0000'];
const users =
  "CREATE TABLE users(id serial PRIMARY KEY, name text NOT NULL); INSERT INTO users(name) VALUES ('ann'), ('bob')";

const backup = (owner: BackupOwner, t: TestContext, name = id) => takeBackup({ ...owner, id: name, signal: t.signal });
const restore = (owner: BackupOwner, t: TestContext, file: string) =>
  restoreBackup({ ...owner, file, signal: t.signal });

const warn = `printf 'WARNING:  %s\\n' one two three four >&2`;

/** Has a shell script run under the name of a program. */
async function replaceProgram(t: TestContext, name: string, script: string): Promise<void> {
  const directory = await makeDirectory(t);
  await writeFile(join(directory, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  const before = process.env.PATH;
  process.env.PATH = `${directory}:${before}`;
  t.cleanup(() => void (process.env.PATH = before));
}

const rich = `${users};
  CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE DOMAIN age AS int CHECK (VALUE > 0);
  CREATE TABLE posts(id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, author int REFERENCES users, feeling mood, years age);
  CREATE VIEW authors AS SELECT name FROM users; CREATE MATERIALIZED VIEW counted AS SELECT count(*) FROM users;
  CREATE FUNCTION twice(a int) RETURNS int LANGUAGE sql AS 'SELECT 2 * a';
  CREATE SCHEMA other; CREATE TABLE other.things(a text); INSERT INTO other.things VALUES (E'tab\\tand \\\\ and ''quotes''');
  CREATE EXTENSION citext; CREATE TABLE mixed(a citext); CREATE SEQUENCE loose;
  CREATE TABLE parts(a int) PARTITION BY RANGE (a); CREATE TABLE parts1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
  INSERT INTO posts(author, feeling, years) VALUES (1, 'ok', 30)`;

const migration = `
  CREATE TABLE orders(id serial, buyer int REFERENCES users); INSERT INTO orders(buyer) VALUES (2);
  ALTER TABLE users ADD COLUMN mail text; UPDATE users SET name = 'changed'; DROP VIEW authors;
  CREATE VIEW authors AS SELECT name, mail FROM users; ALTER TYPE mood ADD VALUE 'great';
  CREATE SCHEMA added; CREATE TABLE added.a(f mood); CREATE FUNCTION thrice(a int) RETURNS int LANGUAGE sql AS 'SELECT 3 * a';
  CREATE DOMAIN more AS text; CREATE TYPE pair AS (a int, b int); DROP TABLE other.things`;

test('P3, B2: a migrated database is as it was before, to the letter', async (t) => {
  const { cluster, name, owner } = await makeDatabase(t, rich, { verify: 'SELECT count(*) FROM users' });
  const before = await contentOf(cluster, name);
  const { file, bytes } = await backup(owner, t);
  assert.is(file, join(owner.database.backups, `shop@production-${id}.dump`));
  const [found, directory] = [await stat(file), await stat(owner.database.backups)];
  assert.equal([found.size, found.mode & 0o777, directory.mode & 0o777], [bytes, 0o600, 0o700]);
  await cluster.sql(name, migration);
  assert.not.equal(await contentOf(cluster, name), before);
  await restore(owner, t, file);
  assert.is(await contentOf(cluster, name), before);
  assert.equal(await readdir(owner.database.backups), [`shop@production-${id}.dump`]);
  // And over what is the same already, from a file that was packed once more.
  await exec(['gzip', '--keep', file], { timeoutMs: 20_000 });
  await restore(owner, t, `${file}.gz`);
  assert.is(await contentOf(cluster, name), before);
});

test('P3: a plain owner of a database restores it too', async (t) => {
  const { cluster, name, owner: plain, asPlain } = await makePlainDatabase(t, users);
  const before = await contentOf(cluster, name);
  const { file } = await backup(plain, t);
  await asPlain('CREATE TABLE orders(buyer int REFERENCES users); DELETE FROM users');
  await restore(plain, t, file);
  assert.is(await contentOf(cluster, name), before);
});

test('P3: a truncated, a damaged and a foreign file leave the database as it was', async (t) => {
  const { cluster, name, owner } = await makeDatabase(
    t,
    `${users}; INSERT INTO users(name) SELECT md5(random()::text) FROM generate_series(1, 5000)`,
  );
  const { file } = await backup(owner, t);
  const whole = await readFile(file);
  await cluster.sql(name, 'DELETE FROM users WHERE id = 1');
  const before = await contentOf(cluster, name);
  const middle = Math.floor(whole.length / 2);
  const damaged = Buffer.from(whole).fill(0x55, middle, middle + 2000);
  const bad: [string, Buffer][] = [
    ['half', whole.subarray(0, middle)],
    ['short', whole.subarray(0, -2000)],
    ['damaged', damaged],
    ['text', Buffer.from('DROP TABLE users;')],
    ['empty', Buffer.alloc(0)],
  ];
  for (const [what, content] of bad) {
    const path = join(owner.database.backups, what);
    await writeFile(path, content);
    assert.match(await refusal(restore(owner, t, path)), /^refused: /, what);
    assert.is(await contentOf(cluster, name), before, what);
  }
});

test("P3: another application's backup fails the query, and nothing of it stays", async (t) => {
  const other = await makeDatabase(t, 'CREATE TABLE foreigners(a int)');
  const { file } = await backup(other.owner, t);
  const { cluster, name, owner } = await makeDatabase(t, users, { verify: 'SELECT count(*) FROM users' });
  const before = await contentOf(cluster, name);
  assert.match(await refusal(restore(owner, t, file)), 'relation "users" does not exist');
  assert.is(await contentOf(cluster, name), before);
});

test('P3: a restore that is interrupted leaves the database as it was', async (t) => {
  const { cluster, name, owner } = await makeDatabase(
    t,
    `${users}; INSERT INTO users(name) SELECT md5(random()::text) FROM generate_series(1, 300000)`,
  );
  const { file } = await backup(owner, t);
  await cluster.sql(name, 'DELETE FROM users WHERE id < 100');
  const ended = new AbortController();
  const { signal } = ended;
  const putting = withBackup(owner, { file, signal }, (backedUp) => {
    setTimeout(() => ended.abort(new Error('enough')), 60);
    return backedUp.put({ signal });
  });
  await putting.then(
    () => assert.unreachable('the restore was too quick for this test'),
    (error: Error) => assert.is(error.message, 'enough'),
  );
  assert.is(await cluster.sql(name, 'SELECT count(*) FROM users'), '299903');
});

test(
  'P3: a database that others hold on to is left alone, whatever the server warns of',
  async (t) => {
    const { cluster, name, owner } = await makeDatabase(t, users);
    const { file } = await backup(owner, t);
    const holding = cluster.sql(name, 'BEGIN; SELECT count(*) FROM users; SELECT pg_sleep(40)').catch(() => {});
    t.cleanup(async () => {
      await cluster.sql('postgres', `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}'`);
      await holding;
    });
    const locks = "SELECT count(*) FROM pg_locks WHERE relation = 'users'::regclass";
    await until('it is held', async () => (await cluster.sql(name, locks)) !== '0');
    await replaceProgram(t, 'psql', `${warn}; exec /usr/bin/psql "$@"`);
    assert.match(await refusal(restore(owner, t, file)), /^[^;]*lock timeout; .*others use the database -> SELECT pid/);
  },
  { timeoutMs: 60_000 },
);

test('P3: a wrong password, a server that is down and a database that is not there are told of', async (t) => {
  const { cluster, owner } = await makeDatabase(t, users);
  const at = (url: string): BackupOwner => ({ ...owner, database: { ...owner.database, url } });
  const wrong = await refusal(backup(at(cluster.url('postgres', { password: 'verkehrt' })), t));
  assert.match(wrong, 'refused: postgres://boss@127.0.0.1');
  assert.match(wrong, 'password authentication failed');
  assert.not.match(wrong, 'verkehrt');
  assert.match(await refusal(backup(at(cluster.url('nothing')), t)), 'database "nothing" does not exist');
  assert.match(await refusal(backup(at('postgres://boss:x@127.0.0.1:1/a'), t)), 'Connection refused');
  assert.equal(await readdir(owner.database.backups), []);
});

test('P3: a server that dies in the middle leaves the old backup, and nothing half', async (t) => {
  const { cluster, owner } = await makeDatabase(
    t,
    `${users}; INSERT INTO users(name) SELECT repeat(md5(random()::text), 10) FROM generate_series(1, 500000)`,
  );
  const { file } = await backup(owner, t);
  const second = refusal(backup(owner, t, later));
  const half = join(owner.database.backups, '.shop@production.backup/archive');
  await until('it is being written', async () => ((await stat(half).catch(() => null))?.size ?? 0) > 0);
  await cluster.stop();
  t.cleanup(() => cluster.start());
  assert.match(await second, /^refused: /);
  assert.equal(
    (await readdir(owner.database.backups)).map((name) => join(owner.database.backups, name)),
    [file],
  );
});

test('P3: a server that is newer than pg_dump: the package to install is named', async (t) => {
  const { owner } = await makeDatabase(t, users);
  // What pg_dump 15 says to a server of version 17; no second server is needed for it.
  const said = [
    'pg_dump: error: aborting because of server version mismatch',
    'pg_dump: detail: server version: 17.2; pg_dump version: 15.18',
  ];
  await replaceProgram(t, 'pg_dump', `${warn}; printf '%s\\n' '${said.join("' '")}' >&2; exit 1`);
  assert.match(await refusal(backup(owner, t)), /server version: 17\.2.*-> apt-get install postgresql-client-17$/);
});

test('P3: what cannot be read any more is told from what only cannot be read just now', async (t) => {
  const { owner } = await makeDatabase(t, users);
  const cases: [said: string, isDamage: boolean][] = [
    ['detail: Error message from server: ERROR:  invalid page in block 0 of relation base/5/16384', true],
    ['detail: Error message from server: ERROR:  could not read block 1 in file "base/5/2": read only 0 of 8192', true],
    ['detail: Error message from server: ERROR:  missing chunk number 0 for toast value 7 in pg_toast_16384', true],
    ['detail: Error message from server: ERROR:  compressed pglz data is corrupt', true],
    ['detail: Error message from server: ERROR:  could not open file "base/5/6": No such file or directory', true],
    ['error: query failed: ERROR:  cache lookup failed for type 16390', true],
    ['error: query failed: ERROR:  could not access status of transaction 900', true],
    ['detail: Error message from server: ERROR:  could not open file "base/5/6": Permission denied', false],
    ['error: query failed: WARNING:  invalid page in block 0 of relation base/5/16384; zeroing out page', false],
    ['error: query failed: ERROR:  permission denied for table users', false],
    ['error: query failed: ERROR:  canceling statement due to lock timeout', false],
    ['error: connection to server at "127.0.0.1", port 1 failed: Connection refused', false],
    ['detail: server version: 17.2; pg_dump version: 15.18', false],
  ];
  for (const [said, isDamage] of cases) {
    const lines = ['pg_dump: error: first', `pg_dump: ${said}`];
    await replaceProgram(t, 'pg_dump', `${warn}; printf '%s\\n' '${lines.join("' '")}' >&2; exit 1`);
    assert.is(postgres.isDamage(await rejection(backup(owner, t))), isDamage, said);
  }
});

test('P3: every program of a backup and its restore is told of the host that the address names', async (t) => {
  const { owner } = await makeDatabase(t, users);
  const seen = join(await makeDirectory(t), 'seen');
  const programs = ['pg_dump', 'pg_restore', 'psql'];
  for (const program of programs) {
    await replaceProgram(t, program, `echo "${program} $PGHOST" >> ${seen}; exec /usr/bin/${program} "$@"`);
  }
  await restore(owner, t, (await backup(owner, t)).file);
  const told = new Set((await readFile(seen, 'utf8')).trim().split('\n'));
  assert.equal(
    [...told].toSorted(),
    programs.map((program) => `${program} 127.0.0.1`),
  );
});
