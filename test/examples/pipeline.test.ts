// needs: sandbox
// deadline: 8min
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import type { RunDocument } from '../../lib/run/document.ts';
import { type Called, calledFrom, until } from '../deploy/site.ts';
import { repository, sandboxFor, type TestSandbox } from '../sandboxed.ts';
import { suite } from '../suite.ts';
import { requireDebian } from '../debian.ts';

const test = suite('examples/pipeline', { timeoutMs: 300_000 });
const folder = join(repository, 'examples/pipeline');
const receiver = fileURLToPath(new URL('../deploy/receiver.mjs', import.meta.url));
const path = '/srv/shop/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

test('P1 P3 P4: a commit becomes a proven service, and whatever fails on the way leaves what was there', async (t) => {
  requireDebian({
    git: '/usr/bin/git',
    curl: '/usr/bin/curl',
    postgresql: '/usr/share/postgresql-common/pg_wrapper',
  });
  const sandbox = await sandboxFor();
  await startDatabase(sandbox);
  await install(sandbox);
  const told = await startReceiver(sandbox);
  t.cleanup(() => sandbox.exec(['systemctl', 'stop', 'shop', 'postgres-of-test']));

  const first = await deploy(sandbox);
  assert.equal([first.code, first.document.outcome, first.document.branch], [0, 'deployed', 'main'], first.stderr);
  assert.match(first.document.revision ?? '', /^[0-9a-f]{7,}$/);
  const good = first.document.active;

  await commit(sandbox, 'sell butter twice', { 'goods.json': '["bread", "butter", "butter"]' });
  await assertKept(sandbox, await deploy(sandbox), { code: 1, step: 'test', good });

  await revert(sandbox);
  const build = await readFile(join(folder, 'shop/ci/build.sh'), 'utf8');
  await commit(sandbox, 'a build that breaks', {
    'ci/build.sh': build.replace('git archive', 'git archive --nonsense'),
  });
  await assertKept(sandbox, await deploy(sandbox), { code: 2, step: 'build', good });

  await revert(sandbox);
  await commit(sandbox, 'a migration with a mistake', { 'migrations/002.sql': 'ALTER TABLE order ADD at date;' });
  await assertKept(sandbox, await deploy(sandbox), { code: 4, step: 'migrate', good });

  await revert(sandbox);
  const harm = 'ALTER TABLE orders ADD COLUMN price integer; DELETE FROM orders;';
  await commit(sandbox, 'no bread today', { 'migrations/002.sql': harm, 'goods.json': '["butter"]' });
  await assertKept(sandbox, await deploy(sandbox), { code: 4, step: 'smoke', good });

  await revert(sandbox);
  await commit(sandbox, 'sell jam', { 'goods.json': '["bread", "butter", "jam"]' });
  const last = await deploy(sandbox);
  assert.equal([last.code, last.document.outcome], [0, 'deployed'], last.stderr);
  assert.match(await sandbox.run('curl', '--silent', 'http://127.0.0.1:9000/'), 'jam');
  assert.equal(
    (await told()).map(({ outcome }) => outcome),
    ['deployed', 'refused', 'refused', 'rolled_back', 'rolled_back', 'deployed'],
  );
  const backups = await sandbox.run('sh', '-c', 'ls /var/backups/shop | wc -l');
  assert.is(Number(backups), 3, 'so many are kept');
});

/** The service answers with the old build, and the database has its order in the columns that it had. */
async function assertKept(
  sandbox: TestSandbox,
  { code, document, stderr }: Called,
  expected: { code: number; step: string; good: string | null },
): Promise<void> {
  const { failure, active } = document;
  assert.equal(
    [code, failure?.step, failure?.reason, active],
    [expected.code, expected.step, 'hook', expected.good],
    stderr,
  );
  assert.match(await sandbox.run('curl', '--silent', 'http://127.0.0.1:9000/'), '["bread","butter"]');
  assert.is(await sql(sandbox, 'SELECT * FROM orders'), 'bread|2');
}

async function deploy(sandbox: TestSandbox): Promise<Called> {
  const result = await sandbox.cutover(['deploy', '--json'], { env: { PATH: path } });
  return calledFrom(result);
}

/** As the README says: units, configuration, a repository and a clone of it. */
async function install(sandbox: TestSandbox): Promise<void> {
  await mkdir(sandbox.hostPath('/etc/cutover'), { recursive: true });
  const limits = '\n[targets.production.limits]\ndisk_used = "99%"\nmemory_available = "50M"\n';
  const config = await readFile(join(folder, 'cutover.toml'), 'utf8');
  await writeFile(sandbox.hostPath('/etc/cutover/cutover.toml'), config + limits, { mode: 0o600 });
  const unit = await readFile(join(folder, 'shop.service'), 'utf8');
  await writeFile(
    sandbox.hostPath('/etc/systemd/system/shop.service'),
    unit.replace('/usr/bin/node', process.execPath),
  );
  const readme = await readFile(join(folder, 'README.md'), 'utf8');
  for (const line of [/^install -d .*$/m, /^systemctl enable .*$/m])
    await sandbox.run('sh', '-ec', line.exec(readme)?.[0] ?? 'false');
  assert.is(await sandbox.run('systemctl', 'is-enabled', 'shop'), 'enabled');
  for (const name of ['bin', 'work']) await mkdir(sandbox.hostPath(`/srv/shop/${name}`), { recursive: true });
  const command = `#!/bin/sh\nexec ${process.execPath} ${join(repository, 'bin/cutover.js')} "$@"\n`;
  await writeFile(sandbox.hostPath('/srv/shop/bin/cutover'), command, { mode: 0o755 });
  await cp(join(folder, 'shop'), sandbox.hostPath('/srv/shop/clone'), { recursive: true });
  await sandbox.run('systemctl', 'daemon-reload');
  await git(sandbox, 'init', '--quiet', '--initial-branch=main');
  await git(sandbox, 'config', 'user.name', 'a developer');
  await git(sandbox, 'config', 'user.email', 'developer@example.org');
  await sandbox.run('git', 'init', '--quiet', '--bare', '--initial-branch=main', '/srv/shop/shop.git');
  await git(sandbox, 'remote', 'add', 'origin', '/srv/shop/shop.git');
  await commit(sandbox, 'the first shop', {});
  await sandbox.run('git', 'clone', '--quiet', '/srv/shop/shop.git', '/srv/shop/repo');
}

async function git(sandbox: TestSandbox, ...words: string[]): Promise<void> {
  await sandbox.run('git', '-C', '/srv/shop/clone', ...words);
}

async function commit(sandbox: TestSandbox, message: string, files: Record<string, string>): Promise<void> {
  for (const [name, content] of Object.entries(files))
    await writeFile(sandbox.hostPath(join('/srv/shop/clone', name)), content);
  await git(sandbox, 'add', '--all');
  await git(sandbox, 'commit', '--quiet', '--message', message);
  await git(sandbox, 'push', '--quiet', 'origin', 'main');
}

async function revert(sandbox: TestSandbox): Promise<void> {
  await git(sandbox, 'revert', '--no-edit', 'HEAD');
}

async function startDatabase(sandbox: TestSandbox): Promise<void> {
  const line = `bin=$(ls -d /usr/lib/postgresql/*/bin | tail -n 1)
    install -d -o postgres -g postgres /srv/postgres /run/postgresql
    setpriv --reuid postgres --regid postgres --init-groups -- \\
      $bin/initdb -D /srv/postgres/data -A trust --no-locale -E UTF8 --no-sync > /dev/null
    systemd-run --quiet --unit=postgres-of-test --uid=postgres --property=KillSignal=SIGINT \\
      $bin/postgres -D /srv/postgres/data -k /run/postgresql -c listen_addresses= -c fsync=off`;
  await sandbox.run('bash', '-ec', line);
  await until('the database answers', async () => (await sandbox.exec(['pg_isready', '-q', '-h', socket])).code === 0);
  await sql(sandbox, 'CREATE ROLE shop LOGIN', 'postgres');
  await sql(sandbox, 'CREATE DATABASE shop OWNER shop', 'postgres');
  await sql(sandbox, 'CREATE TABLE orders (good text NOT NULL, pieces integer NOT NULL)');
  await sql(sandbox, "INSERT INTO orders VALUES ('bread', 2)");
}

const socket = '/run/postgresql';

async function sql(sandbox: TestSandbox, text: string, user = 'shop'): Promise<string> {
  const where = ['-h', socket, '-U', user, '-d', user, '-X', '-A', '-t', '-q', '-v', 'ON_ERROR_STOP=1'] as const;
  return (await sandbox.run('psql', ...where, '-c', text)).trim();
}

/** @returns tells the documents that were sent, oldest first */
async function startReceiver(sandbox: TestSandbox): Promise<() => Promise<RunDocument[]>> {
  const file = '/srv/shop/told';
  await rm(sandbox.hostPath(file), { force: true });
  await writeFile(sandbox.hostPath(file), '');
  const child = await sandbox.spawn([process.execPath, receiver, '9900', file]);
  child.stderr.resume();
  await new Promise((resolve) => child.stdout.once('data', resolve));
  return async () => {
    const lines = (await readFile(sandbox.hostPath(file), 'utf8')).trim().split('\n');
    return lines.map((line) => JSON.parse((JSON.parse(line) as { body: string }).body) as RunDocument);
  };
}
