import { readFile, writeFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import * as assert from 'uvu/assert';
import type { TargetConfig } from '../../lib/config/model.ts';
import { takeBackup } from '../../lib/database/backup.ts';
import { restoreBackup } from '../../lib/database/restore.ts';
import { askDatabase } from '../../lib/deploy/database-check.ts';
import { suite } from '../suite.ts';
import { cutOffTransaction } from './cut-off.ts';
import { makeSqlite, sqlite } from './samples.ts';

const test = suite('database/sqlite cut off');
const id = '20260203-151120-4f2a';
const users = "CREATE TABLE users(name TEXT); INSERT INTO users VALUES ('ann'), ('bob')";
const names = 'SELECT group_concat(name) FROM users; PRAGMA integrity_check';

test('P3: a transaction that a death cut off is taken back, by the backup and by the check before it', async (t) => {
  const owner = await makeSqlite(t, users);
  const path = owner.database.path ?? '';
  await cutOffTransaction(path);
  const target = { database: { ...owner.database, required: true }, hooks: {} } as TargetConfig & {
    database: typeof owner.database;
  };
  const { status, observed } = await askDatabase(target, { isFirst: false, signal: t.signal });
  assert.is(status, 'pass', observed);
  await cutOffTransaction(path);
  const { file } = await takeBackup({ ...owner, id, signal: t.signal });
  const copy = `${path}.copy`;
  await writeFile(copy, gunzipSync(await readFile(file)));
  assert.is(await sqlite(copy, names), 'ann,bob\nok');
  await cutOffTransaction(path);
  await restoreBackup({ ...owner, file, signal: t.signal });
  assert.is(await sqlite(path, names), 'ann,bob\nok');
});
