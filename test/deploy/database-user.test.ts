// needs: sandbox
import * as assert from 'uvu/assert';
import type { BackupReport } from '../../lib/deployer/backup.ts';
import type { RestoreReport } from '../../lib/deployer/restore.ts';
import { suite } from '../suite.ts';
import { makeDatabaseSite, migration } from './database-site.ts';
import { plainUser } from './plain-user.ts';
import { buildId, type Refusal } from './site.ts';
import { assertSound } from './sound.ts';

const test = suite('deploy/database of a plain user', { timeoutMs: 120_000 });
const [first, second] = [buildId(1), buildId(2)];

test('B2, P3: a plain user backs up, restores, and goes back with the data, all by himself', async (t) => {
  const user = await plainUser();
  const backups = `${user.home}/backups`;
  const database = [`backups = "${backups}"`, 'restore_on_rollback = true'];
  const site = await makeDatabaseSite(t, { user, builds: [{}, { mode: 'status' }], database, migrate: migration });
  const called = await site.call('deploy');
  assert.equal([called.code, called.document.active], [4, first], called.stderr);
  assert.is(await site.sql('SELECT group_concat(name) FROM users; SELECT count(*) FROM sqlite_master'), 'ann,bob\n1');
  const backed = await site.call<BackupReport>('backup');
  assert.is(backed.code, 0, backed.stderr);
  assert.is(await site.sandbox.run('stat', '-c', '%a %U', backed.document.file), `600 ${user.name}`);
  await site.sql('DELETE FROM users');
  const restored = await site.call<RestoreReport>('restore', [backed.document.file, '--yes']);
  assert.is(restored.code, 0, restored.stderr);
  assert.is(await site.sql('SELECT group_concat(name) FROM users'), 'ann,bob');
  await assertSound(site, first);
});

test('P3: a directory that he may not write: the deploy goes on, or is refused when a backup is required', async (t) => {
  const user = await plainUser();
  const backups = 'backups = "/var/backups/of-root"';
  const site = await makeDatabaseSite(t, { user, builds: [{}, {}, {}], database: [backups] });
  const called = await site.call('deploy', [second]);
  assert.is(called.code, 0, called.stderr);
  assert.match(called.stderr, /the backup failed, and the deploy goes on .*permission denied/);
  const { code, document } = await site.call<Refusal>('backup');
  assert.equal([code, document.error?.code], [77, 'permission']);
  await assertSound(site, second);
  const strict = await makeDatabaseSite(t, { user, builds: [{}, {}], database: [backups, 'required = true'] });
  const refused = await strict.call('deploy');
  assert.equal([refused.code, refused.document.outcome], [1, 'refused']);
  assert.match(refused.stderr, /✗ database .*permission denied/);
  await assertSound(strict, first, refused);
});
