import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { isCutoverError } from '../../lib/base/errors.ts';
import { exec } from '../../lib/base/exec.ts';
import { querySqlite } from '../../lib/stores/sqlite.ts';
import { makeDirectory } from '../builds/directory.ts';
import { suite, type TestContext } from '../suite.ts';

const test = suite('stores/sqlite');
const patience = { timeoutMs: 20_000 };

async function makeDatabase(t: TestContext, sql: string): Promise<string> {
  const path = join(await makeDirectory(t), 'a ?#%b.db');
  const { code, stderr } = await exec(['sqlite3', path, sql], { timeoutMs: 60_000 });
  assert.is(code, 0, stderr);
  return path;
}

async function refusal(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (isCutoverError(error, 'refused')) return `${error.message} -> ${error.mend}`;
    throw error;
  }
  throw new Error('nothing was refused');
}

test('B1: gives rows, a line each', async (t) => {
  const path = await makeDatabase(t, "CREATE TABLE t(a, b); INSERT INTO t VALUES (1, 'x'), (2, 'y')");
  assert.is(await querySqlite(path, 'SELECT * FROM t ORDER BY a', patience), '1|x\n2|y');
  assert.is(await querySqlite(path, 'PRAGMA quick_check', { ...patience, isStill: true }), 'ok');
});

test('B1: writes nothing, and takes no command of the shell', async (t) => {
  const path = await makeDatabase(t, 'PRAGMA journal_mode = wal; CREATE TABLE t(a)');
  assert.match(await refusal(querySqlite(path, 'INSERT INTO t VALUES (1)', patience)), 'readonly');
  assert.match(await refusal(querySqlite(path, '.shell touch /tmp/cutover-never', patience)), 'syntax error');
  assert.is(await querySqlite(path, 'SELECT count(*) FROM t', patience), '0');
});

test('B1: what ~/.sqliterc says is not done', async (t) => {
  const path = await makeDatabase(t, 'CREATE TABLE t(a); INSERT INTO t VALUES (1)');
  const [home, before] = [await makeDirectory(t), process.env.HOME];
  await writeFile(join(home, '.sqliterc'), '.headers on\n.mode csv\nSELECT 99;\n');
  process.env.HOME = home;
  t.cleanup(() => void (process.env.HOME = before));
  assert.is(await querySqlite(path, 'SELECT a FROM t', patience), '1');
});

test('B1: says what is wrong with a file', async (t) => {
  const directory = await makeDirectory(t);
  const [none, foreign] = [join(directory, 'none.db'), join(directory, 'foreign.db')];
  await writeFile(foreign, 'not a database, not at all');
  assert.is(await refusal(querySqlite(none, 'SELECT 1', patience)), `${none} does not exist -> ls -l ${none}`);
  assert.match(await refusal(querySqlite(foreign, 'SELECT * FROM t', patience)), 'file is not a database');
  assert.match(await refusal(querySqlite(directory, 'SELECT 1', patience)), 'is not a file');
});

test('B1: a query that does not end is ended', async (t) => {
  const path = await makeDatabase(t, 'CREATE TABLE t(a)');
  const endless = 'WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c';
  assert.match(await refusal(querySqlite(path, endless, { timeoutMs: 300 })), 'no answer within 0.3 s');
  const signal = AbortSignal.timeout(100);
  await querySqlite(path, endless, { timeoutMs: 60_000, signal }).then(
    () => assert.unreachable(),
    (error: Error) => assert.is(error.name, 'TimeoutError'),
  );
});

test('B1: names the package to install when sqlite3 is missing', async (t) => {
  const path = await makeDatabase(t, 'CREATE TABLE t(a)');
  const [empty, before] = [await makeDirectory(t), process.env.PATH];
  await exec(['ln', '-s', '/usr/bin/setpriv', empty], { timeoutMs: 5_000 });
  process.env.PATH = empty;
  t.cleanup(() => void (process.env.PATH = before));
  assert.is(
    await refusal(querySqlite(path, 'SELECT 1', patience)),
    'sqlite3 is not installed -> apt-get install sqlite3',
  );
});
