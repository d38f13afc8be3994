// needs: sandbox
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { CheckAnswer } from '../../lib/checks/check.ts';
import type { CheckReport } from '../../lib/deployer/check.ts';
import { calledFrom, until } from '../deploy/site.ts';
import { repository, type TestSandbox } from '../sandboxed.ts';
import { suite, type TestContext } from '../suite.ts';
import { type Example, installExample } from './example.ts';
import { requireDebian } from '../debian.ts';

const test = suite('examples/ten-checks', { timeoutMs: 120_000 });
const packages = {
  gunicorn: '/usr/bin/gunicorn',
  'python3-flask': '/usr/lib/python3/dist-packages/flask/__init__.py',
  sqlite3: '/usr/bin/sqlite3',
};
const ten = [
  '1 runtime',
  '2 database file',
  '3 tables',
  'unit',
  '5 processes',
  '6 pages',
  '7 login',
  '8 log',
  '9 environment file',
  '10 backups',
];
const build = '/srv/shop/builds/current';
const database = '/var/lib/shop/shop.db';

/** What is broken by hand, the questions that must find it, and how it is mended. */
interface Fault {
  breaks: string;
  found: string[];
  mends: string;
}

const faults: Fault[] = [
  {
    breaks: `sed -i '1i import nothing_of_that_name' ${build}/shop.py`,
    found: ['1 runtime'],
    mends: `sed -i 1d ${build}/shop.py`,
  },
  { breaks: `chmod 600 ${database}`, found: ['2 database file'], mends: `chmod 664 ${database}` },
  { breaks: `chown root ${database}`, found: ['2 database file'], mends: `chown www-data ${database}` },
  {
    breaks: `sqlite3 ${database} 'DROP TABLE sessions'`,
    found: ['3 tables'],
    mends: `sqlite3 ${database} 'CREATE TABLE sessions (id TEXT)'`,
  },
  {
    breaks: 'systemctl stop shop.service shop.socket',
    found: ['unit', '5 processes', '6 pages', '7 login'],
    mends: 'systemctl start shop.socket shop.service',
  },
  {
    breaks: 'kill -TTOU $(systemctl show -P MainPID shop.service) && sleep 1',
    found: ['5 processes'],
    mends: 'kill -TTIN $(systemctl show -P MainPID shop.service) && sleep 1',
  },
  { breaks: `mv ${build}/static ${build}/gone`, found: ['6 pages'], mends: `mv ${build}/gone ${build}/static` },
  {
    breaks: 'curl -s "http://127.0.0.1:9000/items?page=two"',
    found: ['8 log'],
    mends: 'systemctl restart shop.service',
  },
  { breaks: 'chmod 644 /etc/shop/shop.env', found: ['9 environment file'], mends: 'chmod 600 /etc/shop/shop.env' },
  {
    breaks: "sed -i 's/^SECRET_KEY=/#&/' /etc/shop/shop.env",
    found: ['9 environment file'],
    mends: "sed -i 's/^#//' /etc/shop/shop.env",
  },
  {
    breaks: "touch -d '2 days ago' /var/backups/shop/first.db",
    found: ['10 backups'],
    mends: 'touch /var/backups/shop/first.db',
  },
  {
    breaks: 'for i in $(seq 10); do cp /var/backups/shop/first.db /var/backups/shop/$i.db; done',
    found: ['10 backups'],
    mends: 'rm /var/backups/shop/[0-9]*.db',
  },
];

/** The commands of the README between the packages and the first build. */
async function prepare(sandbox: TestSandbox): Promise<void> {
  const readme = await readFile(join(repository, 'examples/ten-checks/README.md'), 'utf8');
  const lines = readme.split('\n').filter((line) => /\/(var\/lib|var\/backups|etc)\/shop/.test(line));
  assert.is(lines.length, 7, lines.join('\n'));
  await sandbox.run('sh', '-ec', lines.join('\n'));
}

async function install(t: TestContext): Promise<Example> {
  requireDebian(packages);
  const example = await installExample(t, { name: 'ten-checks', files: ['shop.py', 'static'], prepare });
  t.cleanup(() => example.sandbox.exec(['rm', '-rf', '/var/lib/shop', '/etc/shop', '/var/backups/shop']));
  return example;
}

async function check({ sandbox }: Example): Promise<CheckAnswer[]> {
  const config = '/etc/cutover/cutover.toml';
  return calledFrom<CheckReport>(await sandbox.cutover(['check', '--json', '--config', config])).document.checks;
}

function badOnes(checks: readonly CheckAnswer[]): string[] {
  return checks.filter(({ status }) => status !== 'pass').map(({ name }) => name);
}

test('B4: ten questions, all well', async (t) => {
  const example = await install(t);
  const checks = await check(example);
  const asked = new Set(checks.map(({ name }) => name));
  assert.equal(
    ten.filter((name) => !asked.has(name)),
    [],
  );
  assert.equal(badOnes(checks), [], JSON.stringify(checks.filter(({ status }) => status !== 'pass')));
  const observed = (name: string): string => checks.find((answer) => answer.name === name)?.observed ?? '';
  assert.is(observed('1 runtime'), 'flask and the shop can be loaded');
  assert.is(observed('2 database file'), 'www-data:www-data 664');
  assert.is(observed('5 processes'), '4 processes');
  assert.match(observed('7 login'), /^401 in/);
  assert.not.match(JSON.stringify(checks), (await secretOf(example)) || 'no secret was read');
});

test('B4: each is seen to fail when that thing is broken', async (t) => {
  const example = await install(t);
  const { sandbox } = example;
  for (const { breaks, found, mends } of faults) {
    await sandbox.run('sh', '-ec', breaks);
    let checks: CheckAnswer[] = [];
    const bad = (): string[] =>
      badOnes(checks)
        .filter((name) => ten.includes(name))
        .toSorted();
    const isSeen = async (): Promise<boolean> => {
      checks = await check(example);
      return bad().join() === found.toSorted().join();
    };
    // What is in the journal, or ends a process, is there a moment later.
    await until(`it is seen after: ${breaks}`, isSeen).catch(() => {});
    assert.equal(bad(), found.toSorted(), `${breaks}: ${JSON.stringify(checks)}`);
    for (const { status, mend } of checks) if (status !== 'pass') assert.ok(mend, 'it says what to type');
    await sandbox.run('sh', '-ec', mends);
    await until(`all is well after: ${mends}`, async () => badOnes(await check(example)).length === 0);
  }
});

test('B4, P7: a build that lets everybody in is taken back', async (t) => {
  const example = await install(t);
  const before = await example.current();
  await example.add({ file: 'shop.py', replace: 'if request.authorization is None', by: 'if False' });
  const { code, document, stderr } = await example.deploy();
  assert.equal([code, document.outcome, document.failure?.step], [4, 'rolled_back', 'checks'], stderr);
  assert.match(document.failure?.message ?? '', '7 login');
  // The newest build is in quarantine, which is worth a look; all else is as before.
  assert.equal([await example.current(), badOnes(await check(example))], [before, ['quarantine']]);
});

async function secretOf({ sandbox }: Example): Promise<string> {
  const text = await sandbox.run('cat', '/etc/shop/shop.env');
  return /SECRET_KEY=(\w{32})/.exec(text)?.[1] ?? '';
}
