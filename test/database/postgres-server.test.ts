import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { takeBackup } from '../../lib/database/backup.ts';
import { restoreBackup } from '../../lib/database/restore.ts';
import { makeDirectory } from '../builds/directory.ts';
import { until } from '../deploy/site.ts';
import { suite } from '../suite.ts';
import { contentOf, makeDatabase } from './postgres-samples.ts';

const test = suite('database/postgres and its server', { timeoutMs: 120_000 });
const id = '20260203-151120-4f2a';

test('P3: a pg_restore that is newer than the server names settings that the server does not know', async (t) => {
  const { cluster, name, owner } = await makeDatabase(
    t,
    `CREATE TABLE said(line text); INSERT INTO said VALUES (E'SET of_tomorrow = 0;\\nSET of_tomorrow = 0;'), ('\\xc3\\xa4 \\x1f600');
     CREATE FUNCTION kept() RETURNS int LANGUAGE sql AS E'\nSET work_mem = 64;\nSELECT 1'`,
  );
  const { file } = await takeBackup({ ...owner, id, signal: t.signal });
  const before = await contentOf(cluster, name);
  await cluster.sql(name, 'DELETE FROM said');
  const directory = await makeDirectory(t);
  // As pg_restore 17 begins, whose transaction_timeout a server of version 16 refuses.
  const begins = '0,/^SET statement_timeout = 0;$/s//&\\nSET of_tomorrow = 0;\\nSET of_tomorrow_too = on;/';
  await writeFile(
    join(directory, 'pg_restore'),
    `#!/bin/bash\nset -o pipefail\n/usr/bin/pg_restore "$@" | sed ${JSON.stringify(begins)}\n`,
    { mode: 0o755 },
  );
  const path = process.env.PATH;
  process.env.PATH = `${directory}:${path}`;
  t.cleanup(() => void (process.env.PATH = path));
  await restoreBackup({ ...owner, file, signal: t.signal });
  assert.is(await contentOf(cluster, name), before);
});

for (const [where, sql, verify] of [
  ['in the middle', 'UPDATE patience SET seconds = 600', 'SELECT 1'],
  ['at the query that verifies it', 'SELECT 1', 'SELECT pg_sleep(600)'],
] as const) {
  test(`P3: a restore that is cut off ${where} leaves nothing at work in the server`, async (t) => {
    const slow = 'CREATE MATERIALIZED VIEW slow AS SELECT pg_sleep(seconds)::text FROM patience';
    const tables = `CREATE TABLE patience(seconds int); INSERT INTO patience VALUES (0); ${slow}; ${sql}`;
    const { cluster, name, owner } = await makeDatabase(t, tables, { verify });
    const { file } = await takeBackup({ ...owner, id, signal: t.signal });
    const atWork = `SELECT count(*) FROM pg_stat_activity WHERE datname = '${name}' AND wait_event = 'PgSleep'`;
    t.cleanup(() =>
      cluster.sql('postgres', `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}'`),
    );
    const [ended, enough] = [new AbortController(), new Error('enough')];
    const restoring = restoreBackup({ ...owner, file, signal: ended.signal }).catch((error: unknown) => error);
    await until('it waits', async () => (await cluster.sql('postgres', atWork)) === '1');
    ended.abort(enough);
    assert.is(await restoring, enough);
    await until('it has ended', async () => (await cluster.sql('postgres', atWork)) === '0');
  });
}
