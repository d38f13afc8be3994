import { readdir, writeFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { mkdir } from 'node:fs/promises';
import { removeOldBackups } from '../../lib/database/backup.ts';
import { backupIdOf, backupName, backupTimeMs } from '../../lib/database/names.ts';
import { backupsToGo } from '../../lib/database/retention.ts';
import { suite } from '../suite.ts';
import { makeSqlite } from './samples.ts';

const test = suite('database/retention');
const day = 86_400_000;
const ids = ['20260203-151120-4f2a', '20260203-151120-4f29', '20260202-000000-0000', '20260101-000000-0000'];
const backups = ids.map((id) => ({ id, name: id, path: id }));
const now = Date.parse('2026-02-03T15:11:30Z');

function goneOf(keep: number, keepForMs: number, nowMs = now, needed: string[] = []): string[] {
  return backupsToGo(backups, { keep, keepForMs }, { nowMs, needed: new Set(needed) }).map(({ id }) => id);
}

test('P3: either rule removes, and the newest always stays', () => {
  assert.equal(goneOf(10, 400 * day), []);
  assert.equal(goneOf(2, 400 * day), ids.slice(2));
  assert.equal(goneOf(1, 400 * day), ids.slice(1));
  assert.equal(goneOf(10, 7 * day), ids.slice(3));
  assert.equal(goneOf(10, day), ids.slice(2));
  assert.equal(goneOf(3, day, now + 100 * day), ids.slice(1));
  assert.equal(goneOf(1, day, now + 100 * day, ids.slice(2)), ids.slice(1, 2), 'what is needed stays');
});

test('P3: a name tells whose it is and when it was made', async (t) => {
  const owner = await makeSqlite(t, 'CREATE TABLE t(a)');
  const name = backupName(owner, ids[0] ?? '');
  assert.is(name, 'shop@production-20260203-151120-4f2a.sqlite.gz');
  assert.is(backupIdOf(owner, name), ids[0]);
  assert.is(backupTimeMs(ids[0] ?? ''), Date.parse('2026-02-03T15:11:20Z'));
});

test('P3: only our own files are ever removed', async (t) => {
  const owner = await makeSqlite(t, 'CREATE TABLE t(a)', { keep: 1 });
  const directory = owner.database.backups;
  const foreign = [
    'app.db',
    'shop@production-20250203-151120-4f2a.sqlite.gz.txt',
    'shop@production-20250203-151120.sqlite.gz',
    'shop@production-20250203-151120-4f2a.dump',
    'shop@staging-20250203-151120-4f2a.sqlite.gz',
    'shop@production-eu-20250203-151120-4f2a.sqlite.gz',
    'my-shop@production-20250203-151120-4f2a.sqlite.gz',
  ];
  await mkdir(directory);
  for (const name of [...foreign, ...ids.map((id) => backupName(owner, id))])
    await writeFile(`${directory}/${name}`, 'x');
  const { removed, problem } = await removeOldBackups(owner, {
    made: '',
    needed: async () => new Set(),
    signal: t.signal,
  });
  assert.equal([removed.length, problem], [3, null]);
  assert.equal((await readdir(directory)).toSorted(), [...foreign, backupName(owner, ids[0] ?? '')].toSorted());
});
