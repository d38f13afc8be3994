// needs: sandbox
// deadline: 8min
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { until } from '../deploy/site.ts';
import { freePortInside } from '../services/inside.ts';
import { suite } from '../suite.ts';
import { assertSaid, logins, makeBed, makeWaitingBed, patienceMs, patientWebhook, startReceiver } from './ci-bed.ts';

const test = suite('examples/ci-faults', { timeoutMs: 180_000 });
const proxy = fileURLToPath(new URL('ci-proxy.mjs', import.meta.url));

test('W2: an answer that is lost on its way: the request is sent again, and taken once', async (t) => {
  const bed = await makeBed(t, { builds: [{}, {}] });
  await startReceiver(bed);
  const port = await freePortInside(bed.sandbox);
  const child = await bed.sandbox.spawn([process.execPath, proxy, String(port), String(bed.port)]);
  t.cleanup(() => child.kill('SIGKILL'));
  child.stderr.resume();
  await new Promise((resolve) => child.stdout.once('data', resolve));
  const job = await bed.job(['production'], { ...patientWebhook, CUTOVER_URL: `http://127.0.0.1:${port}` });
  assert.is(job.code, 0, job.said + job.stderr);
  assertSaid(job, 'request, attempt 1 of 3: the receiver does not answer: ', 'the request is taken: ');
  assert.equal(
    (await bed.deploys()).map(({ outcome }) => outcome),
    ['deployed'],
  );
  const queued = await bed.sandbox.run('sh', '-c', `ls /var/lib/cutover/${bed.site.app}/production/requests | wc -l`);
  assert.is(Number(queued), 1, 'so many requests were carried out');
});

test('W2: a request that a newer one takes the place of: the newer one is followed', async (t) => {
  const bed = await makeWaitingBed(t, 'fetch');
  await startReceiver(bed);
  const jobs = [];
  for (const name of ['first', 'second', 'third']) {
    // Each of a revision of its own, as pushes are: the same body, signed in the same second, is the same delivery.
    const env = { ...patientWebhook, REPORTS: `${bed.folder}/reports-${name}`, CUTOVER_REVISION: name };
    const job = await bed.startJob(['production'], env);
    await job.hasSaid('the request is taken');
    jobs.push(job);
  }
  await bed.goOn();
  const [first, second, third] = await Promise.all(jobs.map((job) => job.end()));
  assert.ok(first && second && third);
  for (const job of [first, second, third]) assert.is(job.code, 0, job.said + job.stderr);
  assertSaid(first, 'deployed: ');
  const [, newer] = /a newer request took the place of this one: (\S+)/.exec(second.said) ?? [];
  assert.ok(newer && third.said.includes(`/runs/${newer}`), second.said + third.said);
  assertSaid(second, 'unchanged: ');
  assertSaid(third, 'unchanged: ');
  assert.is(await logins(bed), 0);
});

test('W2: a deploy that goes on after all looks: the job says so, and tries no other way', async (t) => {
  const bed = await makeWaitingBed(t, 'fetch');
  await startReceiver(bed);
  const job = await bed.job(['production'], { ...patientWebhook, CUTOVER_ATTEMPTS: '2' });
  assert.is(job.code, 75, job.said + job.stderr);
  assertSaid(job, 'look 2 of 2: running', 'it goes on after 2 looks; to see more: cutover status production');
  assert.is(await logins(bed), 0);
  await bed.goOn();
  await until('it is deployed', async () => (await bed.deploys()).length === 1, patienceMs);
});

test('W2 W4: a receiver that wants a token is given it; without one the run is followed over SSH', async (t) => {
  const bed = await makeBed(t, { builds: [{}, {}, {}] });
  const { sandbox, site, folder } = bed;
  await writeFile(sandbox.hostPath(`${folder}/token`), 'token-of-the-receiver-0123456789\n', { mode: 0o600 });
  await appendFile(sandbox.hostPath(site.config), `token_file = "${folder}/token"\n`);
  await startReceiver(bed);
  const second = 'dist.20260203-150002';
  await sandbox.run('mv', `${site.builds}/dist.20260203-150003`, `${folder}/later`);
  const given = await bed.job(['production'], { ...patientWebhook, CUTOVER_TOKEN_FILE: `${folder}/token` });
  assert.is(given.code, 0, given.said + given.stderr);
  assertSaid(given, `deployed: ${second} serves (exit 0, way: webhook)`);
  await sandbox.run('mv', `${folder}/later`, `${site.builds}/dist.20260203-150003`);
  // Over SSH it looks three times whether the run has begun.
  const lacking = await bed.job(['production'], { ...patientWebhook, CUTOVER_SSH_WAIT: '5' });
  assert.is(lacking.code, 0, lacking.said + lacking.stderr);
  assertSaid(lacking, /way: ssh, because the receiver answers 401: .*CUTOVER_TOKEN/, /run \S+ is over/);
  assert.not.match(lacking.said, 'restarted');
  assert.is((await bed.deploys()).length, 2);
});

test('W2: a job that is called off ends at once and leaves no key behind; the deploy goes on', async (t) => {
  const bed = await makeWaitingBed(t, 'smoke');
  const key = (await readFile(bed.sandbox.hostPath(`${bed.folder}/key`), 'utf8')).split('\n')[1] ?? '';
  const keys = async (): Promise<string> => (await bed.sandbox.exec(['grep', '-rlF', key, '/tmp'])).stdout;
  const job = await bed.startJob(['production'], { CUTOVER_URL: '' });
  await bed.isWaiting();
  assert.match(await keys(), '/key', 'while it is at work');
  job.child.kill('SIGTERM');
  const ended = await job.end();
  assert.is(ended.code, 130, ended.said + ended.stderr);
  assertSaid(ended, 'interrupted; what has begun on the server goes on');
  assert.equal([await keys(), await bed.deploys()], ['', []]);
  await bed.goOn();
  await until('it is deployed', async () => (await bed.deploys())[0]?.outcome === 'deployed', patienceMs);
});
