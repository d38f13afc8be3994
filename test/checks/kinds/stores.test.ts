import { chmod, chown, open, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { exec } from '../../../lib/base/exec.ts';
import { makeDirectory } from '../../builds/directory.ts';
import { clusterFor, password } from '../../stores/cluster.ts';
import { suite, type TestContext } from '../../suite.ts';
import { askCheck } from './asking.ts';

const test = suite('checks/kinds/stores');

async function makeDatabase(t: TestContext, sql: string): Promise<string> {
  const path = join(await makeDirectory(t), 'app.db');
  const { code, stderr } = await exec(['sqlite3', '-batch', path, sql], { timeoutMs: 60_000 });
  assert.is(code, 0, stderr);
  return path;
}

const users = 'CREATE TABLE users (name); INSERT INTO users VALUES (1), (2); CREATE TABLE Sessions (id);';

test('B1: a SQLite file is whose it must be, opens, is whole, and has its tables', async (t) => {
  const path = await makeDatabase(t, users);
  await chown(path, 33, 33);
  await chmod(path, 0o664);
  const whose = 'owner = "www-data"\ngroup = "www-data"\nmode = "664"';
  const tables = 'tables = ["users", "sessions"]\nquery = "SELECT count(*) FROM users"';
  const answer = await askCheck(`kind = "sqlite"\npath = "${path}"\n${whose}\n${tables}`);
  assert.equal([answer.status, answer.mend], ['pass', null]);
  assert.is(answer.observed, 'www-data:www-data 664; whole; 2 of 2 tables are those; the query says 2');
});

test('B1: a wrong owner or mode of a database is mended when that is configured', async (t) => {
  const path = await makeDatabase(t, users);
  const whose = `kind = "sqlite"\npath = "${path}"\nowner = "www-data"\ngroup = "www-data"\nmode = "664"`;
  const told = await askCheck(whose);
  assert.equal([told.status, told.mend], ['fail', `chown www-data:www-data ${path} && chmod 664 ${path}`]);
  const mended = await askCheck(`${whose}\nmend = true`);
  assert.equal([mended.status, mended.observed], ['pass', 'was root:root 644, is www-data:www-data 664 now; whole']);
});

test("B1: the files that SQLite has beside a database are the same owner's", async (t) => {
  const path = await makeDatabase(t, `PRAGMA journal_mode = wal; ${users}`);
  for (const name of [path, `${path}-shm`]) {
    await writeFile(name, '', { flag: 'a' });
    await chown(name, 33, 33);
  }
  await writeFile(`${path}-wal`, '');
  const whose = `kind = "sqlite"\npath = "${path}"\nowner = "www-data"`;
  const told = await askCheck(whose);
  assert.equal([told.status, told.mend], ['fail', `chown www-data ${path}-wal`]);
  assert.is((await askCheck(`${whose}\nmend = true`)).status, 'pass');
  assert.is((await stat(`${path}-wal`)).uid, 33);
});

test('B1: what is missing or broken of a database', async (t) => {
  const path = await makeDatabase(t, users);
  const base = `kind = "sqlite"\npath = "${path}"\n`;
  const table = await askCheck(`${base}tables = ["users", "orders"]`);
  assert.equal([table.status, table.observed, table.expected], ['fail', 'no table orders', 'tables users, orders']);
  assert.is(table.mend, `sqlite3 ${path} 'PRAGMA integrity_check; .tables'`);
  const query = await askCheck(`${base}query = "SELECT count(*) FROM orders"`);
  assert.is(query.status, 'fail');
  assert.match(query.observed, 'no such table: orders');
  const none = await askCheck(`kind = "sqlite"\npath = "${path}.none"\ntables = ["users"]`);
  assert.equal([none.status, none.observed], ['fail', `there is no ${path}.none`]);
  const text = join(await makeDirectory(t), 'text.db');
  await writeFile(text, 'no database at all, but long enough to be looked at'.repeat(100));
  for (const integrity of [true, false]) {
    const foreign = await askCheck(`kind = "sqlite"\npath = "${text}"\nintegrity = ${integrity}`);
    assert.is(foreign.status, 'fail', foreign.observed);
    assert.match(foreign.observed, 'not a database');
  }
});

test('B1: a damaged page is found by reading the whole file, and only so', async (t) => {
  const path = await makeDatabase(
    t,
    `${users} INSERT INTO users SELECT hex(randomblob(500)) FROM generate_series(1, 500);`,
  );
  const file = await open(path, 'r+');
  await file.write(Buffer.alloc(4096, 0xff), 0, 4096, 4096 * 20);
  await file.close();
  const base = `kind = "sqlite"\npath = "${path}"\n`;
  const damaged = await askCheck(base);
  assert.equal([damaged.status, damaged.expected], ['fail', 'a whole database']);
  assert.is((await askCheck(`${base}integrity = false`)).status, 'pass');
});

test('B4: a PostgreSQL database can be reached, and has its tables', async (t) => {
  const cluster = await clusterFor();
  await cluster.sql('postgres', 'CREATE TABLE IF NOT EXISTS users (name text)');
  const urlFile = join(await makeDirectory(t), 'database.url');
  await writeFile(urlFile, cluster.url('postgres'));
  const base = `kind = "postgres"\nurl_file = "${urlFile}"\n`;
  const good = await askCheck(`${base}tables = ["users", "pg_catalog.pg_class"]\nquery = "SELECT 41 + 1"`);
  assert.equal([good.status, good.observed], ['pass', 'connected; 2 tables are there; the query says 42']);
  const table = await askCheck(`${base}tables = ["users", "it's", "none"]`);
  assert.equal([table.status, table.observed], ['fail', "no table it's, none"]);
  const query = await askCheck(`${base}query = "SELECT * FROM none"`);
  assert.is(query.status, 'fail');
  assert.match(query.observed, 'relation "none" does not exist');
  await writeFile(urlFile, cluster.url('postgres', { password: 'wrong-password' }));
  const refused = await askCheck(base);
  assert.is(refused.status, 'fail');
  assert.match(refused.observed, 'password authentication failed');
  for (const answer of [good, table, query, refused]) assert.not.match(JSON.stringify(answer), /wrong-password|geheim/);
  assert.ok(password.startsWith('geheim'));
});

test('B4: a server that is not there', async () => {
  const answer = await askCheck('kind = "postgres"\nurl = "postgres://u:hunter2@127.0.0.1:1/d"\ntimeout = "5s"');
  assert.equal([answer.status, answer.expected], ['fail', 'a connection']);
  assert.match(answer.observed, /refused/);
  assert.match(answer.mend ?? '', 'psql postgres://u:[redacted]@127.0.0.1:1/d -c');
  assert.not.match(JSON.stringify(answer), 'hunter2');
});
