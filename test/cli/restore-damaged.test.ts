// needs: sandbox
import { writeFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import type { BackupReport } from '../../lib/deployer/backup.ts';
import type { RestoreReport } from '../../lib/deployer/restore.ts';
import { cutOffTransaction } from '../database/cut-off.ts';
import { makeDatabaseSite } from '../deploy/database-site.ts';
import { buildId } from '../deploy/site.ts';
import { assertSound } from '../deploy/sound.ts';
import { suite } from '../suite.ts';

const test = suite('cli/restore of a damaged database', { timeoutMs: 120_000 });
const first = buildId(1);
const big =
  "CREATE TABLE users(name TEXT); INSERT INTO users VALUES ('ann'), ('bob'); CREATE TABLE big AS SELECT zeroblob(600000) AS zeros";

test('P3: a disk too full for the backup: the damaged database is where it was, and nothing stands in its place', async (t) => {
  const place = '/srv/tight';
  const path = `${place}/app.db`;
  const site = await makeDatabaseSite(t, { database: [`path = "${path}"`] });
  const { sandbox } = site;
  await sandbox.run('mkdir', place);
  await sandbox.run('mount', '-t', 'tmpfs', '-o', 'size=1M', 'small', place);
  t.cleanup(() => sandbox.run('umount', '--lazy', place));
  await sandbox.run('sqlite3', path, big);
  const { document: backed } = await site.call<BackupReport>('backup');
  await sandbox.run('dd', 'if=/dev/zero', `of=${path}`, 'bs=4096', 'count=1', 'seek=0', 'conv=notrunc');
  const before = await sandbox.run('sha256sum', path);
  const called = await site.call<RestoreReport>('restore', [backed.file, '--yes']);
  assert.equal([called.code, called.document.set_aside], [4, null], called.stderr);
  assert.match(called.stderr, `the database is as it was: cannot write ${path}`);
  assert.match(called.stderr, 'no space left');
  assert.is(await sandbox.run('ls', '-A', place), 'app.db');
  assert.is(await sandbox.run('sha256sum', path), before);
  await assertSound(site, first);
});

test('B2: a migration that breaks the file: the way back tells where the broken one is kept', async (t) => {
  const site = await makeDatabaseSite(t, {
    builds: [{}, { mode: 'status' }],
    database: ['restore_on_rollback = true'],
    migrate: 'echo broken > DB',
  });
  const called = await site.call('deploy');
  assert.equal([called.code, called.document.active], [4, first], called.stderr);
  assert.is(await site.sql('SELECT group_concat(name) FROM users'), 'ann,bob');
  const aside = await site.sandbox.run('sh', '-c', `ls ${site.database}.broken-*`);
  assert.is(await site.sandbox.run('cat', aside), 'broken');
  assert.match(called.stderr, `${site.database} is damaged, and kept as ${aside}`);
  await assertSound(site, first, called);
});

test('B2: a migration that moves the file away: the way back makes it for the user of the service, who can read it', async (t) => {
  const site = await makeDatabaseSite(t, {
    builds: [{}, {}],
    database: ['restore_on_rollback = true'],
    migrate: 'mv DB DB.away; exit 1',
  });
  const { sandbox, database } = site;
  const dropIn = `/etc/systemd/system/${site.unit}.d`;
  await sandbox.run('mkdir', '-p', dropIn);
  await writeFile(sandbox.hostPath(`${dropIn}/user.conf`), '[Service]\nUser=nobody\nGroup=games\n');
  await sandbox.run('systemctl', 'daemon-reload');
  t.cleanup(() => sandbox.run('rm', '-r', dropIn));
  const called = await site.call('deploy');
  assert.equal([called.code, called.document.active], [4, first], called.stderr);
  assert.is(await sandbox.run('stat', '-c', '%a %U:%G', database), '600 nobody:games');
  assert.is(await site.sql('SELECT group_concat(name) FROM users'), 'ann,bob');
  assert.match(called.stderr, `${database} was not there: it is made with mode 600 for nobody:games`);
  await assertSound(site, first, called);
});

for (const [what, damage] of [
  ['taken back', null],
  ['taken back, and what is damaged is set aside', 'this was no database any more'],
] as const) {
  test(`P3: a transaction that a death cut off does not stand against a restore: it is ${what}`, async (t) => {
    const site = await makeDatabaseSite(t);
    const { document: backed } = await site.call<BackupReport>('backup');
    await cutOffTransaction(site.sandbox.hostPath(site.database));
    const overwrite = `printf "$1" | dd of=${site.database} conv=notrunc`;
    if (damage !== null) await site.sandbox.run('sh', '-c', overwrite, 'sh', damage);
    const { code, document, stderr } = await site.call<RestoreReport>('restore', [backed.file, '--yes']);
    assert.equal([code, document.set_aside === null], [0, damage === null], stderr);
    assert.is(await site.sql('SELECT group_concat(name) FROM users; PRAGMA integrity_check'), 'ann,bob\nok');
    await assertSound(site, first);
  });
}
