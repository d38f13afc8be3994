import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as assert from 'uvu/assert';
import { exec } from '../../lib/base/exec.ts';
import { takeBackup } from '../../lib/database/backup.ts';
import type { BackupOwner } from '../../lib/database/names.ts';
import { endPut, restoreBackup, withBackup } from '../../lib/database/restore.ts';
import { repository } from '../sandboxed.ts';
import { suite, type TestContext } from '../suite.ts';
import { makeSqlite, sqlite } from './samples.ts';

const test = suite('database/sqlite-damaged', { timeoutMs: 120_000 });
const id = '20260203-151120-4f2a';
const users = "CREATE TABLE users(name TEXT); INSERT INTO users VALUES ('ann'), ('bob')";
const damage = 'this is no database any more, whatever it was before';
const log = 'the log of what is damaged';

interface Damaged {
  owner: BackupOwner;
  path: string;
  file: string;
}

/** A backup, and what became of the database since. */
async function makeDamaged(t: TestContext): Promise<Damaged> {
  const owner = await makeSqlite(t, users);
  const { file } = await takeBackup({ ...owner, id, signal: t.signal });
  const path = owner.database.path ?? '';
  await writeFile(path, damage);
  await writeFile(`${path}-wal`, log);
  return { owner, path, file };
}

/** What the files of a directory say. */
async function contents(directory: string): Promise<string[]> {
  const found = (await readdir(directory, { withFileTypes: true })).filter((entry) => entry.isFile());
  return Promise.all(found.map(({ name }) => readFile(join(directory, name), 'utf8')));
}

/** Restores in a process of its own, which dies just before that change. @returns false when it came to its end first */
async function isKilledAt(change: number, { owner, file }: Damaged): Promise<boolean> {
  const here = join(repository, 'test/database');
  const request = JSON.stringify({ ...owner, file, isSetAside: true });
  const hooks = ['--require', `${here}/kill-at.cjs`, '--import', 'tsx'];
  const options = { timeoutMs: 60_000, cwd: repository, env: { KILL_AT: String(change) } };
  const { code, stderr } = await exec([process.execPath, ...hooks, `${here}/restore-once.ts`, request], options);
  assert.ok(code === 0 || code === null, stderr);
  return code === null;
}

test('P3: a restore over a damaged database that is killed leaves that or the backup, never an empty one', async (t) => {
  let isKilled = true;
  const seen = new Set<string>();
  for (let change = 1; isKilled; change += 1) {
    const damaged = await makeDamaged(t);
    const { owner, path, file } = damaged;
    isKilled = await isKilledAt(change, damaged);
    const isOld = (await readFile(path, 'utf8')) === damage;
    if (!isOld) assert.is(await sqlite(path, 'SELECT count(*) FROM users; PRAGMA integrity_check'), '2\nok');
    await endPut(owner.database);
    const beside = (await readdir(dirname(path))).filter((name) => name !== 'backups').toSorted();
    if (isOld) assert.equal(beside, ['app.db', 'app.db-wal'], `killed at change ${change}`);
    else assert.not.ok(beside.includes('app.db-wal'), 'a new file has no log of another');
    seen.add(`${isKilled ? 'killed' : 'done'}: ${isOld ? 'old' : 'new'}`);
    // Whatever it left is no hindrance, and nothing of it stays.
    await restoreBackup({ ...owner, file, signal: t.signal });
    assert.is(await sqlite(path, 'SELECT count(*) FROM users; PRAGMA integrity_check'), '2\nok');
    assert.ok((await contents(dirname(path))).includes(log), 'what belongs to the damaged one is kept as well');
    const others = (await readdir(dirname(path))).filter((name) => !/^(app\.db(\.broken-.*)?|backups)$/.test(name));
    assert.equal(others, [], `killed at change ${change}`);
  }
  assert.ok(seen.has('killed: old') && seen.has('done: new'), [...seen].join());
});

test('P3: a restore over a damaged database that is given up leaves it as it was, with all that is beside it', async (t) => {
  const { owner, path, file } = await makeDamaged(t);
  const before = await readdir(dirname(path));
  const given = new Error('given up');
  await withBackup(owner, { file, signal: t.signal }, (backup) =>
    backup.put({ signal: AbortSignal.abort(given), isSetAside: true }),
  ).then(
    () => assert.unreachable('it was not given up'),
    (error: unknown) => assert.is(error, given),
  );
  assert.equal(await readdir(dirname(path)), before);
  assert.equal([await readFile(path, 'utf8'), await readFile(`${path}-wal`, 'utf8')], [damage, log]);
});

test('P3: the log that a lost database left is not played into the one that is made', async (t) => {
  const { owner, path, file } = await makeDamaged(t);
  await sqlite(`${path}.other`, `PRAGMA journal_mode = wal; ${users}; INSERT INTO users VALUES ('carl')`);
  const open = `${path}.other`;
  const made = `.open ${open}\nINSERT INTO users VALUES ('dora');\n.shell cp ${open}-wal ${path}-wal`;
  assert.is((await exec(['sqlite3'], { timeoutMs: 20_000, input: made })).code, 0);
  const left = await readFile(`${path}-wal`);
  assert.ok(left.length > 0);
  await rm(path);
  await restoreBackup({ ...owner, file, signal: t.signal });
  assert.is(await sqlite(path, 'SELECT group_concat(name) FROM users; PRAGMA integrity_check'), 'ann,bob\nok');
});
