// needs: sandbox
// deadline: 10min
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import * as assert from 'uvu/assert';
import type { BackupReport } from '../../lib/deployer/backup.ts';
import type { RestoreReport } from '../../lib/deployer/restore.ts';
import type { RunDocument } from '../../lib/run/document.ts';
import { type DatabaseSite, makeDatabaseSite } from '../deploy/database-site.ts';
import { untilBegun, untilSettled } from '../deploy/running.ts';
import { buildId, pointCurrent, type Refusal, until } from '../deploy/site.ts';
import { assertNothingLeft, assertSound } from '../deploy/sound.ts';
import { ctrlC, ctrlD, typeAnswers } from '../deploy/typed.ts';
import { repository } from '../sandboxed.ts';
import { suite } from '../suite.ts';

const test = suite('cli/restore');
const first = buildId(1);
const executable = `${repository}/bin/cutover.js`;

async function backedUp(site: DatabaseSite): Promise<string> {
  const { code, stderr, document } = await site.call<BackupReport>('backup');
  assert.is(code, 0, stderr);
  await site.sql("DELETE FROM users WHERE name = 'bob'");
  return document.file;
}

const names = (site: DatabaseSite): Promise<string> => site.sql('SELECT group_concat(name) FROM users');
const restore = (site: DatabaseSite, file: string) => site.call<RestoreReport>('restore', [file, '--yes']);
/** What is at work in the directory of the backups. */
const listWork = async (site: DatabaseSite) => (await site.listBackups()).filter((name) => name.startsWith('.'));
const invocation = ({ sandbox, unit }: DatabaseSite) => sandbox.run('systemctl', 'show', '-p', 'InvocationID', unit);

test('P3: a restore by name: the service stops, starts and is proven, and what was there is kept', async (t) => {
  const site = await makeDatabaseSite(t, { database: ['verify = "SELECT count(*) FROM users"'] });
  const file = await backedUp(site);
  const before = await invocation(site);
  const called = await restore(site, file.slice(file.lastIndexOf('/') + 1));
  assert.is(called.code, 0, called.stderr);
  assert.is(await names(site), 'ann,bob');
  const { run, replaced } = called.document;
  assert.equal([called.document.file, run.kind, run.outcome, run.active], [file, 'restore', 'deployed', first]);
  assert.equal(
    run.steps.map(({ name, status }) => `${name} ${status}`),
    ['stop done', 'keep done', 'restore done', 'start done', 'gate done'],
  );
  assert.match(called.stderr, `the database of production is restored, and ${first} is proven healthy with it`);
  assert.is.not(await invocation(site), before);
  // What was there may be wanted back after all.
  assert.is((await restore(site, replaced ?? '')).code, 0);
  assert.is(await names(site), 'ann');
  await assertSound(site, first);
});

test('P3: without a terminal and without --yes nothing is restored, and exit 64 says so', async (t) => {
  const site = await makeDatabaseSite(t);
  const file = await backedUp(site);
  const { code, document } = await site.call<Refusal>('restore', [file]);
  assert.equal([code, document.error?.code], [64, 'usage']);
  assert.match(document.error.mend, '--yes');
  assert.is(await names(site), 'ann');
});

for (const [answer, code, result] of [
  ['yes', 0, 'ann,bob'],
  ['no', 1, 'ann'],
  ['', 1, 'ann'],
] as const) {
  test(`P3: on a terminal it asks; the answer is "${answer}"`, async (t) => {
    const site = await makeDatabaseSite(t);
    const file = await backedUp(site);
    const command = `${process.execPath} ${executable} restore production ${file} --config ${site.config}`;
    const typed = ['script', '--quiet', '--return', '--command', command, '/dev/null'] as const;
    const { code: ended, stdout } = await site.sandbox.exec(typed, { timeoutMs: 60_000, input: `${answer}\n` });
    assert.is(ended, code, stdout);
    assert.match(stdout, `Replace ${site.database} of production by ${file}`);
    if (answer !== 'yes') assert.match(stdout, 'not confirmed: nothing was changed');
    assert.is(await names(site), result);
  });
}

for (const [name, key, code, told] of [
  ['Ctrl-C', ctrlC, 130, 'interrupted by SIGINT'],
  ['the end of the input', ctrlD, 1, 'not confirmed: nothing was changed'],
] as const) {
  test(`P3: on a terminal it asks; ${name} is a no`, async (t) => {
    const site = await makeDatabaseSite(t);
    const words = `restore production ${await backedUp(site)} --config ${site.config}`;
    const ended = await typeAnswers(site.sandbox, words, { answers: [key], question: /Type yes to go on: /g });
    assert.is(ended.code, code, ended.said);
    assert.match(ended.said, told);
    assert.is(await names(site), 'ann');
  });
}

test('P3: a truncated, a foreign and a missing file: nothing is stopped, and the database is as it was', async (t) => {
  const site = await makeDatabaseSite(t);
  const file = await backedUp(site);
  const { sandbox, backups } = site;
  const before = await invocation(site);
  const whole = await readFile(sandbox.hostPath(file));
  await writeFile(sandbox.hostPath(`${backups}/half.gz`), whole.subarray(0, whole.length / 2));
  await writeFile(sandbox.hostPath(`${backups}/foreign.gz`), 'no backup');
  const cases: [name: string, code: number, message: RegExp][] = [
    ['half.gz', 1, /is damaged/],
    ['foreign.gz', 1, /is not a backup of a SQLite database/],
    ['none.gz', 64, /there is no backup none\.gz/],
  ];
  for (const [name, code, message] of cases) {
    const called = await site.call<Refusal>('restore', [name, '--yes']);
    assert.is(called.code, code, called.stderr);
    assert.match(called.document.error.message, message);
  }
  assert.is(await names(site), 'ann');
  assert.is(await invocation(site), before);
  await assertSound(site, first);
});

test('P3: a link that another user may have put in the place of the database: nothing is stopped, and nothing is written through it', async (t) => {
  const place = '/srv/of-the-service';
  const path = `${place}/app.db`;
  const site = await makeDatabaseSite(t, { database: [`path = "${path}"`] });
  const { sandbox } = site;
  await sandbox.run('mkdir', place);
  await sandbox.run('chown', 'nobody', place);
  await sandbox.run('cp', site.database, path);
  const file = await backedUp(site);
  await sandbox.run('mv', path, `${path}.away`);
  await sandbox.run('ln', '-s', '/root/made-by-restore', path);
  const before = await invocation(site);
  const { code, document } = await site.call<Refusal>('restore', [file, '--yes']);
  assert.equal([code, document.error?.code], [1, 'refused']);
  assert.match(document.error.message, `${path} is a link that another user than root may have put there`);
  assert.is(document.error.mend, `ls -ld ${path}, and name the file itself`);
  assert.is((await sandbox.exec(['test', '-e', '/root/made-by-restore'])).code, 1);
  assert.is(await invocation(site), before);
  const { checks } = (await site.call<{ checks: { name: string; status: string }[] }>('check')).document;
  assert.is(checks.find(({ name }) => name === 'database')?.status, 'warn');
  await assertSound(site, first);
});

test('P3: a service that did not run is not started by a restore, which is told and recorded like any other', async (t) => {
  const site = await makeDatabaseSite(t);
  const file = await backedUp(site);
  await site.sandbox.run('systemctl', 'stop', site.unit);
  const { code, document, stderr } = await restore(site, file);
  assert.equal([code, document.run.outcome, document.run.active], [0, 'deployed', null], stderr);
  assert.match(stderr, `the database of production is restored in `);
  assert.match(stderr, `; ${site.unit} does not run`);
  assert.match(stderr, `-> systemctl start ${site.unit}`);
  assert.ok((await site.listBackups()).includes(basename(document.replaced ?? '')));
  assert.is(await names(site), 'ann,bob');
  assert.is((await site.sandbox.exec(['systemctl', 'is-active', site.unit])).stdout, 'inactive');
  const { runs } = (await site.call<{ runs: RunDocument[] }>('history')).document;
  assert.equal([runs[0]?.run, runs[0]?.kind, runs[0]?.outcome], [document.run.run, 'restore', 'deployed']);
  assert.match((await site.tell('logs', document.run.run ?? '')).stdout, 'the database of production is restored');
  await site.sandbox.run('journalctl', '--sync');
  const told = await site.sandbox.run('journalctl', '--no-pager', '-o', 'cat', `CUTOVER_RUN=${document.run.run}`);
  assert.match(told, 'the database of production is restored');
  await site.sandbox.run('systemctl', 'start', site.unit);
  const { builds } = (await site.call<{ builds: { id: string; state: string }[] }>('builds')).document;
  assert.equal(
    builds.map(({ state }) => state),
    ['current'],
  );
  await assertNothingLeft(site);
});

test('P3: a service that runs, and of which no build was deployed, is not stopped: what to type instead is told', async (t) => {
  const site = await makeDatabaseSite(t);
  const file = await backedUp(site);
  const { sandbox, unit } = site;
  const before = await invocation(site);
  await sandbox.run('rm', `${site.builds}/current`);
  const { code, document } = await site.call<Refusal>('restore', [file, '--yes']);
  assert.equal([code, document.error?.code], [1, 'refused']);
  assert.match(document.error.message, `${unit} runs, and no build of it was ever deployed`);
  assert.match(document.error.mend, `systemctl stop ${unit}`);
  assert.equal([await invocation(site), await names(site)], [before, 'ann']);
  await sandbox.run('systemctl', 'stop', unit);
  const again = await restore(site, file);
  assert.equal([again.code, again.document.run.active], [0, null], again.stderr);
  assert.is(await names(site), 'ann,bob');
  await pointCurrent(site, first);
  await sandbox.run('systemctl', 'start', unit);
  await assertNothingLeft(site);
});

test('P3: a file that is not there is made for the user of the service, who can read it', async (t) => {
  const site = await makeDatabaseSite(t);
  const file = await backedUp(site);
  const dropIn = `/etc/systemd/system/${site.unit}.d`;
  await site.sandbox.run('mkdir', '-p', dropIn);
  await writeFile(site.sandbox.hostPath(`${dropIn}/user.conf`), '[Service]\nUser=nobody\nGroup=games\n');
  await site.sandbox.run('systemctl', 'daemon-reload');
  t.cleanup(() => site.sandbox.run('rm', '-r', dropIn));
  await site.sandbox.run('rm', site.database);
  const called = await restore(site, file);
  assert.is(called.code, 0, called.stderr);
  assert.is(await site.sandbox.run('stat', '-c', '%a %U:%G', site.database), '600 nobody:games');
  assert.match(called.stderr, `${site.database} was not there: it is made with mode 600 for nobody:games`);
  assert.match(called.stderr, '! keep');
  await assertSound(site, first);
});

test('P3: a database that somebody else keeps locked is not damaged: nothing is moved away under who uses it', async (t) => {
  const site = await makeDatabaseSite(t);
  const file = await backedUp(site);
  const { sandbox, database } = site;
  const before = await names(site);
  const holding = `import os, sqlite3, sys, time; c = sqlite3.connect(sys.argv[1]); c.execute('BEGIN EXCLUSIVE'); print('held', flush=True); p = sys.argv[1] + '-go'\nwhile not os.path.exists(p): time.sleep(0.02)`;
  const other = await sandbox.spawn(['python3', '-c', holding, database]);
  await once(other.stdout, 'data');
  const called = await site.call<Refusal>('restore', [file, '--yes']);
  await sandbox.run('touch', `${database}-go`);
  await other.ended;
  assert.is.not(called.code, 0, called.stderr);
  assert.match(called.stderr, /locked/);
  const beside = await sandbox.run('sh', '-c', `rm ${database}-go; ls ${database}*`);
  assert.not.match(beside, 'broken');
  assert.is(await names(site), before);
  await assertSound(site, first);
});

test('P3: a database that is damaged is set aside and replaced, and where it went is told', async (t) => {
  const site = await makeDatabaseSite(t);
  const file = await backedUp(site);
  await writeFile(site.sandbox.hostPath(site.database), 'not a database any more');
  const { code, document, stderr } = await restore(site, file);
  assert.equal([code, document.replaced], [0, null], stderr);
  assert.match(stderr, '! keep            what is there could not be backed up');
  assert.is(await names(site), 'ann,bob');
  assert.is(await site.sandbox.run('sh', '-c', `ls ${site.database}.broken-*`), document.set_aside);
  assert.match(stderr, `${site.database} is damaged, and kept as ${document.set_aside}`);
  assert.match(await site.sandbox.run('cat', document.set_aside ?? ''), 'not a database any more');
  await assertSound(site, first);
});

test('P3: a database that does not take the backup stays as it was, and the service comes back: exit 4', async (t) => {
  const site = await makeDatabaseSite(t);
  const file = await backedUp(site);
  const endless = 'WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c';
  const locked = `${site.folder}/locked`;
  const held = `BEGIN; SELECT * FROM users; SELECT writefile('${locked}', ''); ${endless}`;
  const holder = await site.sandbox.spawn(['sqlite3', site.database, held]);
  t.cleanup(() => holder.kill('SIGKILL'));
  await until('it is locked', async () => (await site.sandbox.exec(['test', '-e', locked])).code === 0);
  const called = await restore(site, file);
  assert.equal([called.code, called.document.run?.outcome], [4, 'rolled_back'], called.stderr);
  assert.match(called.stderr, 'the database is as it was: ');
  assert.match(called.stderr, `is kept locked by another process; production serves ${first} again, verified healthy`);
  assert.is(await names(site), 'ann');
  await assertSound(site, first);
});

test('P3: a service that is not well with the restored data: exit 3, the data is restored, and the way back is named', async (t) => {
  const site = await makeDatabaseSite(t);
  const file = await backedUp(site);
  await writeFile(site.sandbox.hostPath(`${site.builds}/${first}/behaviour.json`), '{"mode":"status"}');
  const { code, stdout } = await site.tell('restore', file, '--yes');
  assert.is(code, 3);
  assert.match(stdout, 'production IS NOT VERIFIED HEALTHY');
  const [, kept = ''] = /-> cutover restore .*production (\S+)/.exec(stdout) ?? [];
  assert.not.match(stdout, 'cutover rollback');
  assert.is(await names(site), 'ann,bob');
  await writeFile(site.sandbox.hostPath(`${site.builds}/${first}/behaviour.json`), '{}');
  assert.is((await restore(site, kept)).code, 0);
  assert.is(await names(site), 'ann');
  const { builds } = (await site.call<{ builds: { state: string }[] }>('builds')).document;
  assert.equal(
    builds.map(({ state }) => state),
    ['current'],
    'the build is not blamed',
  );
  await assertSound(site, first);
});

for (const strategy of ['socket', 'overlap'] as const) {
  test(`P3: a service behind a socket is stopped with it, and started with it (${strategy})`, async (t) => {
    const site = await makeDatabaseSite(t, { strategy });
    const file = await backedUp(site);
    const called = await restore(site, file);
    assert.is(called.code, 0, called.stderr);
    assert.is(await names(site), 'ann,bob');
    await assertSound(site, first);
  });
}

/** How far a restore had come with the data when it died, which it may have done later than it was told to. */
async function reachedBy(site: DatabaseSite, ended: Promise<unknown>): Promise<'before' | 'within' | 'after'> {
  await ended;
  const runs = site.sandbox.hostPath(`${site.state}/runs`);
  const newest = (await readdir(runs)).toSorted().at(-1);
  const lines = await readFile(`${runs}/${newest}`, 'utf8');
  if (lines.includes('"name":"restore","state":"applied"')) return 'after';
  return lines.includes('"name":"restore","state":"intended"') ? 'within' : 'before';
}

for (const step of ['stop', 'keep', 'restore', 'start', 'gate']) {
  test(`P3: killed once ${step} has begun: the service is started again, and the data is whole`, async (t) => {
    const site = await makeDatabaseSite(t, { builds: [{ mode: 'slow_start', startMs: 300 }] });
    await site.sql(
      'CREATE TABLE big AS SELECT hex(randomblob(500)) FROM (WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 30000) SELECT x FROM c)',
    );
    const file = await backedUp(site);
    // It is seen while it lasts only, by a test that may be slow itself; the one that ends it takes as long.
    await site.sandbox.run('sed', '-i', '/production.health]/a healthy_for = "6s"', site.config);
    const child = await site.sandbox.startCutover(['restore', 'production', file, '--yes', '--config', site.config]);
    child.stdout.resume();
    child.stderr.resume();
    await untilBegun(site, step);
    child.kill('SIGKILL');
    const reached = await reachedBy(site, child.ended);
    await untilSettled(site);
    const isUp = async (): Promise<boolean> =>
      (await site.sandbox.exec(['systemctl', 'is-active', site.unit])).code === 0;
    await until('the service runs', isUp);
    const expected = { before: ['ann'], within: ['ann', 'ann,bob'], after: ['ann,bob'] }[reached];
    assert.ok(expected.includes(await names(site)), `${reached}: ${await names(site)}`);
    const [last] = (await site.call<{ runs: RunDocument[] }>('history')).document.runs;
    const outcomes = { before: ['rolled_back'], within: ['rolled_back', 'deployed'], after: ['deployed'] }[reached];
    assert.ok(outcomes.includes(last?.outcome ?? ''), `${reached}: ${last?.outcome}`);
    assert.is(await site.sql('PRAGMA integrity_check'), 'ok');
    await assertSound(site, first);
    assert.equal(await listWork(site), []);
    await site.sandbox.run('sed', '-i', '/^healthy_for/d', site.config);
    assert.is((await restore(site, file)).code, 0);
    assert.is(await names(site), 'ann,bob');
  });
}
