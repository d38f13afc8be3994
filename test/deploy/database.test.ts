// needs: sandbox
// deadline: 10min
import { readFile, rm, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import * as assert from 'uvu/assert';
import type { CheckAnswer } from '../../lib/checks/check.ts';
import type { RunDocument } from '../../lib/run/document.ts';
import { suite } from '../suite.ts';
import { type DatabaseSite, makeDatabaseSite, migration } from './database-site.ts';
import {
  assertWentBack,
  endSlowStop,
  endStop,
  held,
  leaveBehind,
  letGo,
  slowStop,
  startDeploy,
  untilBegun,
  untilSettled,
  untilStopping,
} from './running.ts';
import { breakBuild, buildId, makeSite, until } from './site.ts';
import { assertNothingLeft, assertSound } from './sound.ts';

const test = suite('deploy/database');
const [first, second] = [buildId(1), buildId(2)];

function stepsOf({ steps }: RunDocument): string[] {
  return steps.map(({ name, status }) => `${name} ${status}`);
}

async function namesAnn({ sql }: DatabaseSite): Promise<void> {
  assert.is(await sql('SELECT group_concat(name) FROM users; SELECT count(*) FROM sqlite_master'), 'ann,bob\n1');
}

async function factsOf({ sandbox, state }: DatabaseSite, { run }: RunDocument): Promise<{ file: string | null }> {
  const lines = (await readFile(sandbox.hostPath(`${state}/runs/${run}.jsonl`), 'utf8')).trim().split('\n');
  const entries = lines.map((line) => JSON.parse(line) as { name?: string; state?: string; facts?: { file: string } });
  return (
    entries.find(({ name, state: reached }) => name === 'backup' && reached === 'applied')?.facts ?? { file: null }
  );
}

test('P3: the first step of a deploy is the backup, and the ledger names its file', async (t) => {
  const site = await makeDatabaseSite(t, { builds: [{}, {}] });
  const called = await site.call('deploy');
  assert.is(called.code, 0, called.stderr);
  assert.is(stepsOf(called.document)[0], 'backup done');
  const name = `${site.app}@production-${called.document.run}.sqlite.gz`;
  assert.equal(await site.listBackups(), [name]);
  assert.is((await factsOf(site, called.document)).file, `${site.backups}/${name}`);
  assert.is(await site.sandbox.run('stat', '-c', '%a %U', `${site.backups}/${name}`), '600 root');
  await assertSound(site, second, called);
});

test('P3: a dry run names the backup and makes none', async (t) => {
  const site = await makeDatabaseSite(t, { builds: [{}, {}] });
  const { document } = await site.call<{ steps: { name: string; does: string }[] }>('deploy', ['--dry-run']);
  assert.equal(document.steps[0], { name: 'backup', does: `back up the ${site.database} database to ${site.backups}` });
  assert.equal(await site.listBackups(), []);
});

test('P3: a backup that failed is told of, and the deploy goes on', async (t) => {
  const site = await makeDatabaseSite(t, { builds: [{}, {}] });
  await writeFile(site.sandbox.hostPath(site.database), 'not a database');
  const called = await site.call('deploy');
  assert.is(called.code, 0, called.stderr);
  assert.match(
    called.stderr,
    /! backup +the backup failed, and the deploy goes on \(database\.required = false\): .*not a database/,
  );
  assert.match(called.stderr, '; WITHOUT BACKUP');
  assert.match(called.document.steps[0]?.warning ?? '', 'not a database');
  assert.match((await site.tell('report')).stdout, /backup .*the backup failed/);
  await assertSound(site, second, called);
});

test('P3: a required backup that failed ends the deploy with 1, and nothing was changed', async (t) => {
  const verify = ['required = true', 'verify = "SELECT * FROM absent"'];
  const site = await makeDatabaseSite(t, { builds: [{}, {}], database: verify, migrate: migration });
  const before = await site.sandbox.run('systemctl', 'show', '-p', 'InvocationID', site.unit);
  const called = await site.call('deploy');
  assert.equal([called.code, called.document.outcome, called.document.active], [1, 'refused', first]);
  assert.equal([called.document.failure?.step, called.document.failure?.reason], ['backup', 'database']);
  assert.match(called.document.failure?.message ?? '', 'the backup failed, and database.required = true');
  assert.equal(stepsOf(called.document), ['backup failed']);
  assert.is(await site.sandbox.run('systemctl', 'show', '-p', 'InvocationID', site.unit), before);
  // The build was not at fault: it is picked again.
  await site.sql('CREATE TABLE absent(a)');
  assert.is((await site.call('deploy')).code, 0);
  await assertSound(site, second);
});

interface Checked {
  safe: boolean;
  checks: CheckAnswer[];
}

async function checked(site: DatabaseSite): Promise<[code: number | null, status?: string, observed?: string]> {
  const { code, document } = await site.call<Checked>('check');
  const found = document.checks.find(({ name }) => name === 'database');
  return [code, found?.status, found?.observed];
}

test('S1, P3: a database that cannot be backed up: the check warns, and fails where the deploy would be refused', async (t) => {
  const site = await makeDatabaseSite(t, { builds: [{}, {}] });
  assert.equal((await checked(site)).slice(0, 2), [0, 'pass']);
  await site.sandbox.run('mv', site.database, `${site.database}.away`);
  const [code, status, observed] = await checked(site);
  assert.equal([code, status], [0, 'warn']);
  assert.is(observed, `no backup can be made: ${site.database} does not exist`);
  for (const more of [
    { database: ['required = true'] },
    { database: ['restore_on_rollback = true'], migrate: 'true' },
  ]) {
    const strict = await makeDatabaseSite(t, { builds: [{}, {}], ...more });
    assert.equal((await checked(strict)).slice(0, 2), [0, 'pass']);
    await writeFile(strict.sandbox.hostPath(strict.backups), 'in the way');
    assert.equal((await checked(strict)).slice(0, 2), [1, 'fail']);
    assert.match((await checked(strict))[2] ?? '', `${strict.backups} is no directory`);
    const called = await strict.call('deploy');
    assert.equal([called.code, called.document.outcome], [1, 'refused'], called.stderr);
    assert.equal(called.document.steps, []);
    await strict.sandbox.run('rm', strict.backups);
    await assertSound(strict, first);
  }
});

test('P3: a disk that is full leaves the old backup and nothing half; a required backup ends the deploy', async (t) => {
  const site = await makeDatabaseSite(t, { builds: [{}, {}], database: ['required = true'] });
  const { sandbox, backups } = site;
  await site.sql(
    'CREATE TABLE big AS SELECT hex(randomblob(2000)) FROM (WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 1000) SELECT x FROM c)',
  );
  await sandbox.run('mkdir', '-p', backups);
  await sandbox.run('mount', '-t', 'tmpfs', '-o', 'size=1M', 'tmpfs', backups);
  t.cleanup(() => sandbox.run('umount', backups));
  const old = `${site.app}@production-20260101-000000-0000.sqlite.gz`;
  await sandbox.run('touch', `${backups}/${old}`);
  const called = await site.call('deploy');
  assert.equal([called.code, called.document.outcome, called.document.failure?.reason], [1, 'refused', 'disk']);
  assert.is(await sandbox.run('ls', '-A', backups), old);
  await assertSound(site, first, called);
});

test('P3: so many backups are kept, and other files stay', async (t) => {
  const site = await makeDatabaseSite(t, { builds: [{}, {}, {}], database: ['keep = 2'] });
  const runs: string[] = [];
  for (const build of [second, buildId(3), second]) runs.push((await site.call('deploy', [build])).document.run ?? '');
  assert.equal(
    await site.listBackups(),
    runs.slice(1).map((run) => `${site.app}@production-${run}.sqlite.gz`),
  );
  await assertSound(site, second);
});

test('B2: a rollback restores what this deploy migrated, before the old build starts', async (t) => {
  const site = await makeDatabaseSite(t, {
    builds: [{}, { mode: 'status' }],
    database: ['restore_on_rollback = true', 'verify = "SELECT count(*) FROM users"'],
    migrate: migration,
  });
  const called = await site.call('deploy');
  assert.equal([called.code, called.document.active], [4, first], called.stderr);
  assert.ok(stepsOf(called.document).includes('migrate reverted'), stepsOf(called.document).join());
  await namesAnn(site);
  assert.match(called.stderr, 'the database is as it was before the deploy');
  await assertSound(site, first, called);
});

test('B2: a migration that fails halfway is taken back too', async (t) => {
  const migrate = `${migration}; exit 1`;
  const site = await makeDatabaseSite(t, { builds: [{}, {}], database: ['restore_on_rollback = true'], migrate });
  const called = await site.call('deploy');
  assert.equal([called.code, called.document.failure?.step], [4, 'migrate'], called.stderr);
  await namesAnn(site);
  await assertSound(site, first, called);
});

test('B2: without restore_on_rollback the database is left as it was migrated', async (t) => {
  const site = await makeDatabaseSite(t, { builds: [{}, { mode: 'status' }], migrate: migration });
  assert.is((await site.call('deploy')).code, 4);
  assert.is(await site.sql('SELECT DISTINCT name FROM users'), 'changed');
});

test('B2: a run that goes back before its migration leaves the database alone, with what came in since the backup', async (t) => {
  const site = await makeDatabaseSite(t, {
    ...slowStop,
    database: ['restore_on_rollback = true'],
    migrate: migration,
  });
  endSlowStop(t, site);
  const run = await startDeploy(site);
  await untilStopping(site);
  assert.is((await site.listBackups()).length, 1);
  await site.sql("INSERT INTO users VALUES ('carl')");
  run.child.kill('SIGINT');
  await endStop(site);
  const called = await run.end();
  assertWentBack(called, first);
  assert.not.ok(
    stepsOf(called.document).some((step) => step.startsWith('migrate')),
    stepsOf(called.document).join(),
  );
  assert.is(await site.sql('SELECT group_concat(name) FROM users'), 'ann,bob,carl');
  await assertSound(site, first, called);
});

test('B2: without a backup, which is the way back from a migration, nothing is migrated', async (t) => {
  const site = await makeDatabaseSite(t, {
    builds: [{}, {}],
    database: ['restore_on_rollback = true', 'verify = "SELECT * FROM nothing"'],
    migrate: migration,
  });
  const called = await site.call('deploy');
  assert.equal([called.code, called.document.outcome, called.document.active], [1, 'refused', first], called.stderr);
  assert.match(called.document.failure?.message ?? '', 'it is the way back from hooks.migrate');
  await namesAnn(site);
  await assertSound(site, first, called);
});

test('B2: where the database cannot be put back, a person is called: exit 3, what to type, and the backup stays', async (t) => {
  const backups = '/var/backups/torn';
  const site = await makeDatabaseSite(t, {
    builds: [{}, { mode: 'status' }, {}],
    database: ['restore_on_rollback = true', `backups = "${backups}"`, 'keep = 1'],
    migrate: `${migration}; for file in ${backups}/*.gz; do cp -n $file $file.whole; echo torn > $file; done`,
  });
  t.cleanup(() => site.sandbox.run('rm', '-r', backups));
  const called = await site.call('deploy', [second]);
  const { outcome, active, run, failure } = called.document;
  assert.equal([called.code, outcome, active], [3, 'failed', first], called.stderr);
  assert.ok(stepsOf(called.document).includes('migrate revert_failed'));
  const file = `${backups}/${site.app}@production-${run}.sqlite.gz`;
  assert.is(failure?.unrestored, file);
  assert.match(
    failure?.message ?? '',
    `${first} serves again and passes its gate, but the database stays as it was migrated`,
  );
  // Short enough for every channel of a notice.
  const typed = new RegExp(`-> cutover restore .*production ${basename(file)}$`, 'm');
  assert.match(called.stderr, typed);
  assert.match((await site.tell('report')).stdout, 'the database stays as it was migrated');
  // Whatever the keep rules say.
  assert.is((await site.call('backup')).code, 0);
  await site.sandbox.run(
    'sh',
    '-c',
    `for n in 1 2; do touch ${backups}/${site.app}@production-20260101-000000-000$n.sqlite.gz; done`,
  );
  assert.is((await site.call('prune')).code, 0);
  const kept = (await site.sandbox.run('ls', backups)).split('\n');
  assert.ok(kept.includes(`${site.app}@production-${run}.sqlite.gz`), kept.join());
  await site.sandbox.run('mv', `${file}.whole`, file);
  assert.is((await site.call('restore', [basename(file), '--yes'])).code, 0);
  await namesAnn(site);
  assert.is((await site.call('backup')).code, 0);
  assert.not.ok((await site.sandbox.run('ls', backups)).includes(`-${run}.sqlite.gz`), 'it is like the others again');
  await assertSound(site, first);
});

test('B2, S8: a rollback by hand leaves the data alone, and says where it is as it was before it was migrated', async (t) => {
  const site = await makeDatabaseSite(t, {
    builds: [{}, {}, {}],
    migrate: 'sqlite3 DB "CREATE TABLE IF NOT EXISTS orders(a)"',
  });
  const deployed = await site.call('deploy', [second]);
  assert.is((await site.call('deploy', [buildId(3)])).code, 0);
  const last = await site.call('rollback', [second]);
  assert.equal([last.code, last.document.active], [0, second]);
  assert.match(last.stderr, / migrated the database, and a rollback leaves the data alone; as it was before: /);
  const called = await site.call('rollback', [first]);
  assert.equal([called.code, called.document.active], [0, first], called.stderr);
  const file = `${site.backups}/${site.app}@production-${deployed.document.run}.sqlite.gz`;
  assert.match(called.stderr, `note: run ${deployed.document.run} migrated the database`);
  assert.match(called.stderr, `as it was before: ${file} -> cutover restore`);
  assert.is((await site.call('restore', [file, '--yes'])).code, 0);
  await namesAnn(site);
  assert.is((await site.call('rollback', [second])).code, 0);
  assert.not.match((await site.call('rollback', [first])).stderr, 'migrated the database');
});

for (const strategy of ['socket', 'overlap'] as const) {
  test(`B2: a rollback restores the database behind a socket (${strategy})`, async (t) => {
    const bad = { builds: [{}, { mode: 'status' as const }], strategy, migrate: migration };
    const site = await makeDatabaseSite(t, { ...bad, database: ['restore_on_rollback = true'] });
    const called = await site.call('deploy');
    assert.equal([called.code, called.document.active], [4, first], called.stderr);
    await namesAnn(site);
    await assertSound(site, first, called);
  });
}

test('B2: a deployer killed after the migration: what ends the run restores the database', async (t) => {
  const site = await makeDatabaseSite(t, {
    ...held,
    database: ['restore_on_rollback = true'],
    migrate: migration,
  });
  const run = await startDeploy(site);
  await untilBegun(site, 'start');
  run.child.kill('SIGKILL');
  await run.child.ended;
  await untilSettled(site);
  await namesAnn(site);
  await assertSound(site, first);
});

test('B2: what was written after a restore is not taken back by settling once more', async (t) => {
  const site = await makeDatabaseSite(t, {
    ...held,
    database: ['restore_on_rollback = true'],
    migrate: migration,
  });
  await leaveBehind(site);
  // The run is not settled before the build before comes up.
  await breakBuild(site, first, 'held');
  await rm(site.sandbox.hostPath(`${site.builds}/${first}/go`));
  const settling = await site.sandbox.startCutover(['settle', 'production', '--config', site.config], {
    env: { CUTOVER_IN_SETTLE_UNIT: '1' },
  });
  settling.stdout.resume();
  settling.stderr.resume();
  const directory = site.sandbox.hostPath(`${site.state}/runs`);
  const ledger = async (): Promise<string> => {
    const mark = await readFile(site.sandbox.hostPath(`${site.state}/in-flight`), 'utf8').catch(() => '');
    const run = /"run":"([^"]+)"/.exec(mark)?.[1];
    return run === undefined ? '' : readFile(`${directory}/${run}.jsonl`, 'utf8');
  };
  await until('the database is restored', async () => (await ledger()).includes('"name":"migrate","state":"reverted"'));
  settling.kill('SIGKILL');
  await settling.ended;
  await letGo(site);
  await site.sql("INSERT INTO users VALUES ('carl')");
  assert.is((await site.call('settle')).code, 0);
  assert.is(await site.sql('SELECT group_concat(name) FROM users'), 'ann,bob,carl');
  await assertSound(site, first);
});

/** A look at the copy that does not end by itself: a backup that is as large as it likes still ends some time. */
const endless =
  'verify = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 90000000000) SELECT count(*) FROM c"';

test('P3: an interruption while the backup goes on ends the deploy with 130, nothing changed', async (t) => {
  const site = await makeDatabaseSite(t, { builds: [{}, {}], database: [endless] });
  await site.sql(
    'PRAGMA synchronous=OFF; CREATE TABLE big AS SELECT hex(randomblob(500)) FROM (WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 150000) SELECT x FROM c)',
  );
  const run = await startDeploy(site);
  await untilBegun(site, 'backup');
  run.child.kill('SIGINT');
  const called = await run.end();
  assert.equal([called.code, called.document.outcome], [130, 'interrupted'], called.stderr);
  assert.equal(await site.listBackups(), []);
  await assertSound(site, first, called);
});

test('P3: a deployer killed during the backup: nothing changed, and the next backup is whole', async (t) => {
  const site = await makeDatabaseSite(t, { builds: [{}, {}], database: [endless] });
  await site.sql(
    'PRAGMA synchronous=OFF; CREATE TABLE big AS SELECT hex(randomblob(500)) FROM (WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 150000) SELECT x FROM c)',
  );
  const run = await startDeploy(site);
  await untilBegun(site, 'backup');
  run.child.kill('SIGKILL');
  await run.child.ended;
  await untilSettled(site);
  // Whoever settles holds the target until it is on the disk that the mark is gone.
  await assertNothingLeft(site);
  assert.match((await site.tell('report')).stdout, 'was not touched');
  assert.equal(
    (await site.listBackups()).filter((name) => !name.startsWith('.')),
    [],
  );
  const plain = `database = { kind = "sqlite", path = "${site.database}", backups = "${site.backups}" }`;
  await site.configure({ keys: [plain] });
  const called = await site.call('deploy');
  assert.is(called.code, 0, called.stderr);
  const backup = `${site.app}@production-${called.document.run}.sqlite.gz`;
  assert.equal(await site.listBackups(), [backup]);
  await assertSound(site, second, called);
  await site.sql('PRAGMA synchronous=OFF; DROP TABLE big; DELETE FROM users');
  const restored = await site.call('restore', [backup, '--yes']);
  assert.is(restored.code, 0, restored.stderr);
  const all = 'SELECT count(*) FROM big; SELECT group_concat(name) FROM users; PRAGMA integrity_check';
  assert.is(await site.sql(all), '150000\nann,bob\nok');
});

test('P3: on a first deploy there may be no database yet, whether a backup is required or not', async (t) => {
  const site = await makeSite(t, { isDeployed: false });
  const database = `{ kind = "sqlite", path = "/srv/none-${site.app}.db", backups = "/var/backups/x", required = true }`;
  await site.configure({ keys: [`database = ${database}`] });
  const called = await site.call('deploy');
  assert.is(called.code, 0, called.stderr);
  assert.match(called.stderr, 'there is nothing to back up');
  await assertSound(site, first, called);
});
