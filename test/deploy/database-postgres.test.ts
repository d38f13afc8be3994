// needs: sandbox
// deadline: 10min
import { chmod, readdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import * as assert from 'uvu/assert';
import type { BackupReport } from '../../lib/deployer/backup.ts';
import type { RestoreReport } from '../../lib/deployer/restore.ts';
import { repository, sandboxFor, type TestSandbox } from '../sandboxed.ts';
import { type Behaviour } from '../services/builds.ts';
import { suite, type TestContext } from '../suite.ts';
import { buildId, makeSite, type Refusal, type Site, type SiteOptions } from './site.ts';
import { assertSound } from './sound.ts';

const test = suite('deploy/database-postgres', { timeoutMs: 120_000 });
const [first, second] = [buildId(1), buildId(2)];
const sentinel = 'sentinel-4f2a-geheim';
const directory = '/srv/postgres';
const migration = `CREATE TABLE orders(buyer int REFERENCES users); UPDATE users SET name = 'changed'`;

let serving: Promise<void> | undefined;

/** Runs a program of the server's own. */
async function runOwn(sandbox: TestSandbox, name: string, ...words: string[]): Promise<void> {
  const [version = ''] = (await readdir('/usr/lib/postgresql')).toSorted().toReversed();
  const become = ['--reuid', 'postgres', '--regid', 'postgres', '--init-groups', '--'];
  const data = ['-D', `${directory}/data`];
  await sandbox.run('setpriv', ...become, `/usr/lib/postgresql/${version}/bin/${name}`, ...data, ...words);
}

function startServer(sandbox: TestSandbox): Promise<void> {
  const settings = `-k ${directory} -c listen_addresses=127.0.0.1 -c fsync=off`;
  return runOwn(sandbox, 'pg_ctl', '-o', settings, '-w', '-l', `${directory}/log`, 'start');
}

/** A server inside the sandbox: over TCP its superuser needs the password, over its socket nobody does. */
async function serve(sandbox: TestSandbox): Promise<void> {
  await sandbox.run('install', '-d', '-o', 'postgres', directory);
  await writeFile(sandbox.hostPath(`${directory}/password`), sentinel);
  const auth = ['--auth-host=scram-sha-256', '--auth-local=trust', `--pwfile=${directory}/password`];
  await runOwn(sandbox, 'initdb', '-U', 'boss', ...auth, '--no-locale', '-E', 'UTF8', '--no-sync');
  await sandbox.run('rm', `${directory}/password`);
  await startServer(sandbox);
}

interface PostgresSite extends Site {
  sql: (text: string) => Promise<string>;
  backups: string;
}

async function makePostgresSite(
  t: TestContext,
  {
    builds,
    tables,
    database = [],
    url,
    isInline = false,
  }: Pick<SiteOptions, 'tables'> & { builds: Behaviour[]; database?: string[]; url?: string; isInline?: boolean },
): Promise<PostgresSite> {
  const sandbox = await sandboxFor();
  serving ??= serve(sandbox);
  await serving;
  const [good = {}, ...others] = builds;
  const site = await makeSite(t, { builds: [good] });
  for (const behaviour of others) await site.add(behaviour);
  const psql = ['psql', '-X', '-A', '-t', '-q', '-v', 'ON_ERROR_STOP=1', '-h', directory, '-U', 'boss'] as const;
  await sandbox.run(...psql, '-d', 'postgres', '-c', `CREATE DATABASE ${site.app}`);
  const sql = (text: string) => sandbox.run(...psql, '-d', site.app, '-c', text);
  await sql("CREATE TABLE users(id serial PRIMARY KEY, name text); INSERT INTO users(name) VALUES ('ann'), ('bob')");
  const address = url ?? `postgres://boss:${sentinel}@127.0.0.1/${site.app}`;
  const [urlFile, backups] = [`${dirname(site.builds)}/database.url`, `/var/backups/${site.app}`];
  await writeFile(sandbox.hostPath(urlFile), `${address}\n`, { mode: 0o600 });
  const where = isInline ? `url = "${address}"` : `url_file = "${urlFile}"`;
  const keys = [`kind = "postgres"`, where, `backups = "${backups}"`, ...database];
  const migrate = `psql -X -q -h ${directory} -U boss -d ${site.app} -c "${migration}"`;
  await site.configure({
    keys: [`database = { ${keys.join(', ')} }`, `hooks = { migrate = ${JSON.stringify(migrate)} }`],
    tables,
  });
  await chmod(sandbox.hostPath(site.config), 0o600);
  return { ...site, sql, backups };
}

const namesIn = ({ sql }: PostgresSite): Promise<string> => sql("SELECT string_agg(name, ',' ORDER BY id) FROM users");
const tablesIn = ({ sql }: PostgresSite): Promise<string> =>
  sql("SELECT string_agg(tablename, ',') FROM pg_tables WHERE schemaname = 'public'");

for (const isInline of [false, true]) {
  test(`B2, W4: a migrated database is restored on the way back, and its password shows nowhere (${isInline ? 'url' : 'url_file'})`, async (t) => {
    const database = ['restore_on_rollback = true', 'verify = "SELECT count(*) FROM users"'];
    const site = await makePostgresSite(t, { builds: [{}, { mode: 'status' }], database, isInline });
    const { sandbox, state, logs } = site;
    const seen = '/run/seen';
    const look = `while :; do cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null; sleep 0.02; done > ${seen}`;
    const looking = await sandbox.spawn(['sh', '-c', look]);
    t.cleanup(() => looking.kill('SIGKILL'));
    const called = await site.call('deploy', ['--verbose']);
    assert.equal([called.code, called.document.active], [4, first], called.stderr);
    assert.equal([await namesIn(site), await tablesIn(site)], ['ann,bob', 'users']);
    const backed = await site.call<BackupReport>('backup', ['--verbose']);
    assert.is(backed.code, 0, backed.stderr);
    await site.sql('DELETE FROM users');
    const restored = await site.call<RestoreReport>('restore', [backed.document.file, '--yes', '--verbose']);
    assert.is(restored.code, 0, restored.stderr);
    assert.is(await namesIn(site), 'ann,bob');
    const told = await site.tell('report');
    const shown = await site.sandbox.cutover(['config', '--config', site.config]);
    looking.kill('SIGKILL');
    const texts = [called, backed, restored, told, shown].flatMap(({ stdout, stderr }) => [stdout, stderr]);
    for (const text of texts) assert.not.match(text, sentinel);
    assert.match(await sandbox.run('sh', '-c', `tr '\\0' ' ' < ${seen} | grep -c pg_dump`), /^[1-9]/);
    for (const place of [seen, state, logs, '/var/backups', '/tmp', '/var/log']) {
      const { stdout } = await sandbox.exec(['grep', '-r', '-l', '--text', sentinel, place]);
      // The repository itself may lie there, and this file knows the password.
      const found = stdout.split('\n').filter((path) => path !== '' && !path.startsWith(`${repository}/`));
      assert.equal(found, [], place);
    }
    const journal = await sandbox.run(
      'sh',
      '-c',
      'journalctl --no-pager -o export | wc -c; journalctl --no-pager -o export',
    );
    assert.not.match(journal, sentinel);
    await assertSound(site, first);
  });
}

test('B2, W4: a deployer killed after the migration: the password is read again where it is configured', async (t) => {
  const { held, startDeploy, untilBegun, untilSettled } = await import('./running.ts');
  const site = await makePostgresSite(t, {
    ...held,
    database: ['restore_on_rollback = true'],
    isInline: true,
  });
  const run = await startDeploy(site);
  await untilBegun(site, 'start');
  run.child.kill('SIGKILL');
  await run.child.ended;
  await untilSettled(site);
  assert.equal([await namesIn(site), await tablesIn(site)], ['ann,bob', 'users']);
  await assertSound(site, first);
});

test('P3: a server that cannot be reached: the deploy goes on, or ends when the backup is required', async (t) => {
  const url = 'postgres://boss@127.0.0.1:1/nothing';
  const site = await makePostgresSite(t, { builds: [{}, {}], url });
  const called = await site.call('deploy');
  assert.is(called.code, 0, called.stderr);
  assert.match(called.stderr, /the backup failed, and the deploy goes on .*Connection refused/);
  await assertSound(site, second, called);
  const strict = await makePostgresSite(t, { builds: [{}, {}], url, database: ['required = true'] });
  const refused = await strict.call('deploy');
  assert.equal([refused.code, refused.document.outcome], [1, 'refused']);
  assert.match(refused.stderr, /✗ database .*Connection refused/);
  assert.is(await namesIn(strict), 'ann,bob', 'nothing was migrated');
  await assertSound(strict, first, refused);
});

test('P3: a wrong password is told of without it', async (t) => {
  const site = await makePostgresSite(t, { builds: [{}], url: `postgres://boss:wrong-${sentinel}@127.0.0.1/postgres` });
  const { code, document, stderr } = await site.call<Refusal>('backup');
  assert.equal([code, document.error?.code], [1, 'refused']);
  assert.match(document.error.message, 'password authentication failed for user "boss"');
  assert.not.match(`${stderr}${JSON.stringify(document)}`, sentinel);
});

test('P3: an archive that is cut off, and one of another application, leave the database as it was', async (t) => {
  const site = await makePostgresSite(t, { builds: [{}], database: ['verify = "SELECT count(*) FROM users"'] });
  const { file } = (await site.call<BackupReport>('backup')).document;
  await site.sandbox.run('sh', '-c', `head -c $(($(stat -c %s ${file}) - 300)) ${file} > ${site.backups}/half.dump`);
  const half = await site.call<Refusal>('restore', ['half.dump', '--yes']);
  assert.equal([half.code, half.document.error?.code], [1, 'refused'], half.stderr);
  await site.sandbox.run(
    'psql',
    '-X',
    '-q',
    '-h',
    directory,
    '-U',
    'boss',
    '-d',
    'postgres',
    '-c',
    `CREATE DATABASE other_${site.app}`,
  );
  const foreign = `${site.backups}/foreign.dump`;
  await site.sandbox.run(
    'pg_dump',
    '--format=custom',
    '-h',
    directory,
    '-U',
    'boss',
    `--file=${foreign}`,
    `other_${site.app}`,
  );
  const called = await site.call<RestoreReport>('restore', [foreign, '--yes']);
  assert.equal([called.code, called.document.run?.outcome], [4, 'rolled_back'], called.stderr);
  assert.match(called.stderr, 'relation "users" does not exist');
  assert.equal([await namesIn(site), await tablesIn(site)], ['ann,bob', 'users']);
  await assertSound(site, first);
});

test('P3: a server that cannot be reached is told of before a restore stops anything: exit 1', async (t) => {
  const site = await makePostgresSite(t, { builds: [{}] });
  const { file } = (await site.call<BackupReport>('backup')).document;
  const urlFile = site.sandbox.hostPath(`${dirname(site.builds)}/database.url`);
  await writeFile(urlFile, 'postgres://boss@127.0.0.1:1/nothing\n', { mode: 0o600 });
  const before = await site.sandbox.run('systemctl', 'show', '-p', 'InvocationID', site.unit);
  const { code, document, stderr } = await site.call<Refusal>('restore', [file, '--yes']);
  assert.equal([code, document.error?.code], [1, 'refused'], stderr);
  assert.match(document.error.message, 'Connection refused');
  assert.is(await site.sandbox.run('systemctl', 'show', '-p', 'InvocationID', site.unit), before);
  await assertSound(site, first);
});

test('P3: a database with a broken page is replaced by a backup, and that nothing could be kept of it is told', async (t) => {
  const site = await makePostgresSite(t, { builds: [{}] });
  const { sandbox } = site;
  const { file } = (await site.call<BackupReport>('backup')).document;
  const relation = await site.sql("SELECT pg_relation_filepath('users')");
  await runOwn(sandbox, 'pg_ctl', '-w', '-m', 'fast', 'stop');
  const overwrite = 'yes broken | head -c 8192 | dd conv=notrunc of="$1"';
  await sandbox.run('sh', '-c', overwrite, 'sh', `${directory}/data/${relation}`);
  await startServer(sandbox);
  const called = await site.call<RestoreReport>('restore', [file, '--yes']);
  assert.equal([called.code, called.document.replaced], [0, null], called.stderr);
  assert.match(called.stderr, /! keep +what is there could not be backed up: .*invalid page in block/);
  assert.is(await namesIn(site), 'ann,bob');
  await assertSound(site, first);
});
