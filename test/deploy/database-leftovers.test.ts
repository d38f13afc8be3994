// needs: sandbox
import { writeFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { suite } from '../suite.ts';
import { makeDatabaseSite, migration } from './database-site.ts';
import { buildId, writeUnit } from './site.ts';
import { assertNothingLeft } from './sound.ts';

const test = suite('deploy/database and what is left of a build');
const [first, second] = [buildId(1), buildId(2)];

test('B2: what a bad build leaves behind in its unit is ended before the database is put back', async (t) => {
  const site = await makeDatabaseSite(t, {
    builds: [{}, { mode: 'status' }],
    database: ['restore_on_rollback = true'],
    migrate: migration,
  });
  const { sandbox, builds, database, unit } = site;
  // A stop ends the shell alone. What is left has no port, and the database for itself.
  const keep = `(echo ".timeout 60000"; echo "BEGIN EXCLUSIVE;"; exec sleep infinity) | sqlite3 ${database} &`;
  const kept = `while sqlite3 ${database} "BEGIN IMMEDIATE; ROLLBACK" 2>/dev/null; do sleep 0.02; done`;
  const start = `if test -e keeps; then ${keep} ${kept}; fi; ${process.execPath} app.mjs & wait`;
  await writeFile(sandbox.hostPath(`${builds}/${second}/keeps`), '');
  await writeUnit(site, ['ExecStart=', `ExecStart=/bin/bash -c '${start}'`, 'KillMode=process']);
  await sandbox.run('systemctl', 'restart', unit);
  const called = await site.call('deploy');
  assert.equal([called.code, called.document.active], [4, first], called.stderr);
  assert.is(await site.sql('SELECT group_concat(name) FROM users; SELECT count(*) FROM sqlite_master'), 'ann,bob\n1');
  await sandbox.run('systemctl', 'kill', '--signal=KILL', unit);
  await assertNothingLeft(site);
});
