// needs: sandbox
// deadline: 8min
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { RecoveryReport } from '../../lib/report/recovery-report.ts';
import type { RunDocument } from '../../lib/run/document.ts';
import { deployingUser } from '../deploy/plain-user.ts';
import { breakInService, buildId, until } from '../deploy/site.ts';
import { repository } from '../sandboxed.ts';
import { suite, type TestContext } from '../suite.ts';
import { assertSaid, type Bed, cutConnections, logins, makeBed, makeWaitingBed, receiverStart } from './ci-bed.ts';

const test = suite('examples/ci-ssh', { timeoutMs: 180_000 });
// As it is where nobody set a receiver up.
const withoutReceiver = { CUTOVER_URL: '' };
const ssh = ['ssh', '-n', '-o', 'BatchMode=yes', '-o', 'StrictHostKeyChecking=yes'] as const;

test('P2 W2: without a receiver it deploys over SSH, and keeps the document', async (t) => {
  const bed = await makeBed(t, { builds: [{}, {}] });
  // As CI systems write a key: for all to read, and without the end of its last line.
  const key = bed.sandbox.hostPath(`${bed.folder}/key`);
  await writeFile(key, (await readFile(key, 'utf8')).trim());
  await chmod(key, 0o644);
  const job = await bed.job(['production'], withoutReceiver);
  assert.is(job.code, 0, job.said + job.stderr);
  assertSaid(job, 'way: ssh, because no receiver is set', /deployed: dist\S+ serves \(exit 0, way: ssh\)/);
  const document = JSON.parse(await bed.left('cutover-report.json')) as RunDocument;
  assert.equal([document.outcome, document.run], ['deployed', (await bed.deploys())[0]?.run]);
  const again = await bed.job(['production'], withoutReceiver);
  assert.is(again.code, 0);
  assertSaid(again, 'unchanged');
  assert.is((await bed.deploys()).length, 1);
});

test('P2: a build that fails its gate is gone back from, once, and the job fails as cutover does', async (t) => {
  const bed = await makeBed(t, { builds: [{}, { mode: 'status' }] });
  const job = await bed.job(['production'], withoutReceiver);
  assert.is(job.code, 4, job.said + job.stderr);
  assertSaid(job, 'rolled_back: ');
  assert.equal(
    (await bed.deploys()).map(({ outcome }) => outcome),
    ['rolled_back'],
  );
});

test('W2: a connection that is lost midway is made again, and the deploy is followed, not repeated', async (t) => {
  const bed = await makeWaitingBed(t, 'smoke');
  // The daemon is killed with its connections, and has to be back.
  const job = await bed.startJob(['production'], { ...withoutReceiver, CUTOVER_SSH_WAIT: '5' });
  await bed.isWaiting();
  await cutConnections(bed);
  await job.hasSaid('connection 1 of 3 was lost');
  await bed.goOn();
  const ended = await job.end();
  assert.is(ended.code, 0, ended.said + ended.stderr);
  assertSaid(ended, /run \S+ is over/, 'deployed: ');
  assert.equal(
    (await bed.deploys()).map(({ outcome }) => outcome),
    ['deployed'],
  );
});

test('W2: a server that is not the known one is told nothing', async (t) => {
  const bed = await makeBed(t);
  const hosts = `${bed.folder}/known_hosts`;
  const [address] = (await readFile(bed.sandbox.hostPath(hosts), 'utf8')).split(' ');
  const key = await readFile(bed.sandbox.hostPath(`${bed.folder}/key.pub`), 'utf8');
  const job = await bed.job(['production'], { ...withoutReceiver, CUTOVER_KNOWN_HOSTS: `${address} ${key}` });
  assert.is(job.code, 69);
  assertSaid(job, /no way is left: no receiver is set .*; ssh: .*Host key verification failed/i);
  assert.is(await logins(bed), 0);
});

test('P2: the key of CI does nothing else on the server', async (t) => {
  const bed = await makeBed(t);
  const { CUTOVER_SSH_PORT: port = '', CUTOVER_KNOWN_HOSTS_FILE: hosts, CUTOVER_SSH_KEY_FILE: key = '' } = bed.env;
  const connect = [...ssh, '-o', `UserKnownHostsFile=${hosts}`, '-i', key, '-p', port] as const;
  const call = (options: string[], ...words: string[]) =>
    bed.sandbox.exec([...connect, ...options, 'root@127.0.0.1', ...words]);
  for (const words of [
    'id',
    'deploy production; id',
    'deploy staging',
    'cutover deploy production --force',
    '',
    'sh',
  ]) {
    const { code, stdout, stderr } = await call([], words);
    assert.equal([code, stdout], [77, ''], words);
    assert.match(stderr, 'refused');
  }
  const pseudoTerminal = await call(['-tt'], 'status production --json');
  assert.match(pseudoTerminal.stderr, 'PTY allocation request failed');
  const forwarded = await call(['-o', 'ExitOnForwardFailure=yes', '-W', `127.0.0.1:${port}`]);
  assert.is.not(forwarded.code, 0);
  assert.match(forwarded.stderr, 'prohibited');
  const copied = await bed.sandbox.exec([
    'scp',
    '-O',
    ...connect.slice(2, -2),
    '-P',
    port,
    'root@127.0.0.1:/etc/passwd',
    bed.folder,
  ]);
  assert.is.not(copied.code, 0);
  const status = await call([], 'cutover status production --json');
  assert.equal([status.code, (JSON.parse(status.stdout) as { targets: unknown[] }).targets.length], [0, 1]);
});

test('P2 W2: an account that is not root deploys over SSH, and restarts the receiver', async (t) => {
  const bed = await makeBed(t, { builds: [{}, {}] });
  const { sandbox, site, folder } = bed;
  const account = await deployingUser(t, site);
  // As sshd wants it: an account without a password that is not locked, and keys that it may read.
  await sandbox.run('usermod', '--password', '*', account.name);
  await sandbox.run('chmod', '644', `${folder}/authorized_keys`);
  const own = { CUTOVER_SSH: `${account.name}@127.0.0.1` };
  const lacking = await bed.job(['production'], own);
  assert.is(lacking.code, 0, lacking.said + lacking.stderr);
  assertSaid(
    lacking,
    'deployed: ',
    /the receiver could not be restarted: .*(interactive authentication|access denied)/i,
  );
  assert.is(await receiverStart(bed), '');
  await allowRestart(t, bed, account.name);
  const job = await bed.job(['production'], own);
  assert.is(job.code, 0, job.said + job.stderr);
  assertSaid(job, 'unchanged: ', 'the receiver was restarted');
  assert.is.not(await receiverStart(bed), '');
  const stopped = await account.sandbox.exec([
    'env',
    'systemctl',
    '--no-ask-password',
    'stop',
    'cutover-serve.service',
  ]);
  assert.is.not(stopped.code, 0, 'the rule allows more than it says');
});

/** The example's rule, for the account of the test. */
async function allowRestart(t: TestContext, { sandbox }: Bed, account: string): Promise<void> {
  const path = '/etc/polkit-1/rules.d/60-cutover-ci.rules';
  const rule = await readFile(join(repository, 'examples/ci/60-cutover-ci.rules'), 'utf8');
  await writeFile(sandbox.hostPath(path), rule.replace('"deploy"', JSON.stringify(account)), { mode: 0o644 });
  t.cleanup(() => sandbox.run('rm', path));
  await sandbox.exec(['systemctl', 'reset-failed', 'polkit.service']);
  await sandbox.run('systemctl', 'restart', 'polkit.service');
}

test('R3: a recovery by hand keeps its report and the logs; an issue is written when too few came back', async (t) => {
  const bed = await makeBed(t, { builds: [{}] });
  const { sandbox, site } = bed;
  const look = await bed.job(['--recover', 'status']);
  assert.is(look.code, 0, look.said + look.stderr);
  await sandbox.run('systemctl', 'stop', site.unit);
  assert.is((await bed.job(['--recover', 'status', ''])).code, 3);
  assert.is(await bed.left('issue.md'), '', 'who only looked opens no issue');
  const full = await bed.job(['--recover', 'full', '']);
  assert.is(full.code, 0, full.said + full.stderr);
  const report = JSON.parse(await bed.left('recovery.json')) as RecoveryReport;
  assert.equal([report.recovered, report.targets[0]?.run], [true, runOf(await bed.left('production-report.json'))]);
  assert.match(await bed.left('production.log'), 'recover');
  assert.match(await bed.left('production-unit.log'), 'listens on');

  await breakInService(site, buildId(1));
  const failed = await bed.job(['--recover', 'only', 'production'], { CUTOVER_JOB_URL: 'https://ci.example.org/1' });
  assert.is(failed.code, 3, failed.said + failed.stderr);
  assert.is(await bed.left('issue-title.txt'), 'Recovery failed: 0 of 1 services are healthy\n');
  const issue = await bed.left('issue.md');
  assert.match(issue, /^0 of 1 services are healthy\. https:\/\/ci\.example\.org\/1\n\n### production: \w+\n/);
  assert.match(issue, '- found: ');
  assert.match(issue, /\*\*next: `.+`\*\*/);
});

test('R3: GitLab is sent the issue', async (t) => {
  const bed = await makeBed(t, { isDeployed: false });
  assert.is((await bed.job(['--gitlab-issue'])).code, 0, 'nothing is to be told');
  const failed = await bed.job(['--recover', 'full'], { CUTOVER_SSH_PORT: '1' });
  assert.is(failed.code, 69, failed.said);
  assert.match(
    await bed.left('issue-title.txt'),
    'Recovery failed: the recovery did not begin: no way led to the server',
  );
  const gitlab = await startGitlab(bed);
  const job = await bed.job(['--gitlab-issue'], {
    CI_API_V4_URL: `http://127.0.0.1:${bed.port}/api/v4`,
    CI_PROJECT_ID: '42',
    ISSUE_TOKEN: 'token-of-gitlab',
  });
  assert.is(job.code, 0, job.said + job.stderr);
  const [sent] = await gitlab();
  assert.equal([sent?.path, sent?.headers['private-token']], ['/api/v4/projects/42/issues', 'token-of-gitlab']);
  const body = new URLSearchParams(sent?.body);
  assert.match(body.get('title') ?? '', 'Recovery failed: ');
  assert.match(body.get('description') ?? '', 'the recovery did not begin');
});

interface Sent {
  path: string;
  headers: Record<string, string>;
  body: string;
}

/** @returns tells the requests that came */
async function startGitlab({ sandbox, folder, port }: Bed): Promise<() => Promise<Sent[]>> {
  const file = `${folder}/sent`;
  const program = new URL('../deploy/receiver.mjs', import.meta.url).pathname;
  const child = await sandbox.spawn([process.execPath, program, String(port), file]);
  child.stderr.resume();
  await until('it listens', () => new Promise((resolve) => child.stdout.once('data', resolve)));
  return async () => {
    const lines = (await readFile(sandbox.hostPath(file), 'utf8')).trim().split('\n');
    return lines.map((line) => JSON.parse(line) as Sent);
  };
}

function runOf(document: string): string | null {
  return (JSON.parse(document) as RunDocument).run;
}
