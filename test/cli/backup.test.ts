// needs: sandbox
import { writeFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import type { BackupReport } from '../../lib/deployer/backup.ts';
import type { PruneReport } from '../../lib/deployer/prune-report.ts';
import { makeDatabaseSite } from '../deploy/database-site.ts';
import { held, startDeploy } from '../deploy/running.ts';
import { makeSite, type Refusal } from '../deploy/site.ts';
import { assertNothingLeft } from '../deploy/sound.ts';
import { suite } from '../suite.ts';

const test = suite('cli/backup');

test('P3: cutover backup prints file, size and duration, and keeps so many', async (t) => {
  const site = await makeDatabaseSite(t, { database: ['keep = 2'] });
  const { code, document } = await site.call<BackupReport>('backup');
  assert.is(code, 0);
  assert.match(
    document.file,
    new RegExp(`^${site.backups}/${site.app}@production-\\d{8}-\\d{6}-[0-9a-f]{4}\\.sqlite\\.gz$`),
  );
  assert.is(String(document.size_bytes), await site.sandbox.run('stat', '-c', '%s', document.file));
  assert.equal([document.target, document.removed], ['production', []]);
  const told = await site.tell('backup');
  assert.match(told.stdout, /^production: \/var\/backups\/.*\.sqlite\.gz \(\d+ bytes, (\d+ ms|\d+\.\d s)\)$/m);
  const third = await site.tell('backup', '--quiet');
  assert.is((await site.listBackups()).length, 2);
  assert.ok((await site.listBackups()).some((name) => third.stdout.trim() === `${site.backups}/${name}`));
  assert.is(await site.sandbox.run('sh', '-c', `gunzip -c ${third.stdout.trim()} | head -c 15`), 'SQLite format 3');
  await assertNothingLeft(site);
});

test('W3: cutover prune removes backups that are not kept, and tells of them', async (t) => {
  const site = await makeDatabaseSite(t, { database: ['keep = 2', 'keep_for = "7d"'] });
  await site.call('backup');
  const old = ['20250101-000000-0000', '20250102-000000-0000', '20250103-000000-0000'];
  const nameOf = (id: string): string => `${site.app}@production-${id}.sqlite.gz`;
  for (const name of [...old.map(nameOf), 'mine.sqlite.gz']) await site.sandbox.run('touch', `${site.backups}/${name}`);
  // What a killed restore and a killed backup leave may be as large as the database.
  const left = ['backup', 'restore'].map((purpose) => `.${site.app}@production.${purpose}`);
  for (const name of left) await site.sandbox.run('mkdir', `${site.backups}/${name}`);
  const { document } = await site.call<PruneReport>('prune', ['--dry-run']);
  assert.equal(document.removed.flatMap(({ kind, name }) => (kind === 'rest' ? name : [])).toSorted(), left);
  const told = document.removed.filter(({ kind }) => kind === 'backup').map(({ name }) => name);
  assert.equal(told.toSorted(), old.map(nameOf));
  assert.is((await site.listBackups()).length, 7);
  assert.match((await site.tell('prune')).stdout, '3 backups of the database');
  assert.equal((await site.listBackups()).slice(0, -1), ['mine.sqlite.gz']);
});

test('P3: a backup that fails says why, exits 1 and leaves the old ones', async (t) => {
  const site = await makeDatabaseSite(t);
  assert.is((await site.call('backup')).code, 0);
  const before = await site.listBackups();
  await writeFile(site.sandbox.hostPath(site.database), 'not a database');
  const { code, document } = await site.call<Refusal>('backup');
  assert.equal([code, document.error?.code], [1, 'refused']);
  assert.match(document.error.message, `${site.database}: `);
  assert.equal(await site.listBackups(), before);
  await site.sandbox.run('mv', site.backups, `${site.backups}.away`);
  await writeFile(site.sandbox.hostPath(site.backups), 'in the way');
  const refused = await site.call<Refusal>('backup');
  assert.equal([refused.code, refused.document.error?.code], [1, 'refused']);
  assert.is(refused.document.error.message, `cannot create ${site.backups}: a file is in the way`);
  assert.is(refused.document.error.mend, `ls -ld ${site.backups}`);
});

test('P3: without a database there is nothing to back up, and the message says what to write', async (t) => {
  const site = await makeSite(t, { isDeployed: false });
  for (const words of [['backup'], ['restore', 'x.gz', '--yes']] as const) {
    const { code, document } = await site.call<Refusal>(words[0], words.slice(1));
    assert.equal([code, document.error?.code], [78, 'config']);
    assert.match(document.error.mend, '[targets.production.database]');
  }
});

test('S8: a backup waits for nobody while a run holds the target, and says who', async (t) => {
  const site = await makeDatabaseSite(t, held);
  const run = await startDeploy(site);
  const { code, document } = await site.call<Refusal>('backup');
  assert.equal([code, document.error?.code], [75, 'locked']);
  assert.is((await run.end()).code, 0);
  assert.is((await site.call('backup', ['--wait=1min'])).code, 0);
});
