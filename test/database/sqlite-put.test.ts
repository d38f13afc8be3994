import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { isThere } from '../../lib/base/files.ts';
import { takeBackup } from '../../lib/database/backup.ts';
import { restoreBackup } from '../../lib/database/restore.ts';
import { makeDirectory } from '../builds/directory.ts';
import { until } from '../deploy/site.ts';
import { suite } from '../suite.ts';
import { makeSqlite, sqlite } from './samples.ts';

const test = suite('database/sqlite-put');
const id = '20260203-151120-4f2a';
const users = "CREATE TABLE users(name TEXT); INSERT INTO users VALUES ('ann'), ('bob')";

test('P3: an interruption once the data is in its place does not tell the opposite', async (t) => {
  const verify = 'SELECT count(*) FROM users';
  const owner = await makeSqlite(t, users, { verify });
  const path = owner.database.path ?? '';
  const { file } = await takeBackup({ ...owner, id, signal: t.signal });
  await sqlite(path, 'DELETE FROM users');
  const directory = await makeDirectory(t);
  // The database itself is asked last, after the copy: only then it stands still.
  const waits = `case "$*" in *"${path} "*"${verify}"*) touch ${directory}/asked; while ! test -e ${directory}/go; do sleep 0.02; done;; esac`;
  await writeFile(join(directory, 'sqlite3'), `#!/bin/sh\n${waits}\nexec /usr/bin/sqlite3 "$@"\n`, { mode: 0o755 });
  const before = process.env.PATH;
  process.env.PATH = `${directory}:${before}`;
  t.cleanup(() => void (process.env.PATH = before));
  const interrupted = new AbortController();
  const restoring = restoreBackup({ ...owner, file, signal: interrupted.signal });
  await until('it is asked', () => isThere(join(directory, 'asked')));
  interrupted.abort(new Error('interrupted'));
  await writeFile(join(directory, 'go'), '');
  assert.equal(await restoring, { setAside: null });
  assert.is(await sqlite(path, 'SELECT group_concat(name) FROM users'), 'ann,bob');
});
