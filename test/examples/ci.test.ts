// needs: sandbox
// deadline: 10min
import { writeFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import type { RunDocument } from '../../lib/run/document.ts';
import { until } from '../deploy/site.ts';
import { suite } from '../suite.ts';
import {
  assertSaid,
  type Bed,
  type Job,
  logins,
  makeBed,
  makeWaitingBed,
  patienceMs,
  patientWebhook,
  receiverStart,
  secret,
  signalReceiver,
  startReceiver,
  stopSshd,
} from './ci-bed.ts';

const test = suite('examples/ci', { timeoutMs: 240_000 });

/** The one deploy that a job made, and its document. */
async function assertDeployedOnce(bed: Bed, job: Job, outcome = 'deployed'): Promise<void> {
  const runs = await bed.deploys();
  assert.equal(
    runs.map((run) => run.outcome),
    [outcome],
    job.said + job.stderr,
  );
  const document = JSON.parse(await bed.left('cutover-report.json')) as RunDocument;
  assert.equal([document.run, document.outcome], [runs[0]?.run, outcome], job.said + job.stderr);
  assert.is(job.code, document.exit_code, job.said + job.stderr);
}

/** By the webhook and nothing else: nobody was let in over SSH. */
async function assertByWebhookAlone(bed: Bed, job: Job): Promise<void> {
  assertSaid(job, 'way: webhook, because the receiver is well', /, way: webhook\)\n$/);
  assert.is(await logins(bed), 0);
}

async function assertRestarted(bed: Bed, job: Job, before: string): Promise<void> {
  assertSaid(job, 'the receiver was restarted');
  const start = await receiverStart(bed);
  assert.ok(start !== '' && start !== before, 'the receiver was not restarted');
}

test('W2: a receiver that is well deploys by webhook', async (t) => {
  const bed = await makeBed(t, { builds: [{}, {}] });
  await startReceiver(bed);
  const job = await bed.job(['production'], { ...patientWebhook, CUTOVER_BRANCH: 'main', CUTOVER_REVISION: '4f2a9c1' });
  await assertDeployedOnce(bed, job);
  await assertByWebhookAlone(bed, job);
});

test('W2: a deploy that goes back is a failed one, and no reason for another way', async (t) => {
  const bed = await makeBed(t, { builds: [{}, { mode: 'status' }] });
  await startReceiver(bed);
  const job = await bed.job(['production'], patientWebhook);
  assert.is(job.code, 4, job.said + job.stderr);
  await assertDeployedOnce(bed, job, 'rolled_back');
  await assertByWebhookAlone(bed, job);
});

test('W2: a branch that is not the one of the target gets in by no way', async (t) => {
  const bed = await makeBed(t, { builds: [{}, {}] });
  await startReceiver(bed);
  const job = await bed.job(['production'], { ...patientWebhook, CUTOVER_BRANCH: 'another' });
  assert.is(job.code, 78, job.said + job.stderr);
  assertSaid(job, 'the receiver ignores this request: ');
  assert.equal([await bed.deploys(), await logins(bed)], [[], 0]);
});

test('W2: a dead receiver: over SSH, and it is started again', async (t) => {
  const bed = await makeBed(t, { builds: [{}, {}] });
  const job = await bed.job(['production']);
  await assertDeployedOnce(bed, job);
  assertSaid(job, /way: ssh, because the receiver does not answer: curl: .*connect/i, /exit 0, way: ssh\)\n$/);
  await assertRestarted(bed, job, '');
});

test('W2: a receiver that says 503: over SSH, and it is restarted', async (t) => {
  const bed = await makeBed(t, { builds: [{}, {}] });
  await startReceiver(bed);
  const before = await receiverStart(bed);
  // A directory stands where the receiver writes, to see whether it can.
  const place = `/var/lib/cutover/${bed.site.app}/serve/queue/writable`;
  await bed.sandbox.run('sh', '-c', `rm -f ${place} && mkdir -p ${place}/in-the-way`);
  await until('it is not well', async () =>
    (await bed.sandbox.run('curl', '-s', `${bed.env.CUTOVER_URL}/health`)).includes('degraded'),
  );
  const job = await bed.job(['production']);
  await assertDeployedOnce(bed, job);
  assertSaid(job, 'way: ssh, because the receiver answers 503: requests cannot be kept');
  await assertRestarted(bed, job, before);
});

test('W2: a receiver that hangs: over SSH, and it is restarted', async (t) => {
  const bed = await makeBed(t, { builds: [{}, {}] });
  await startReceiver(bed);
  const before = await receiverStart(bed);
  await signalReceiver(bed, 'STOP');
  const job = await bed.job(['production'], { CUTOVER_ANSWER_TIME: '1' });
  await assertDeployedOnce(bed, job);
  assertSaid(job, /way: ssh, because the receiver does not answer: curl: .*timed out/i);
  await assertRestarted(bed, job, before);
});

test('W2 W4: a wrong secret is a mistake of the settings: over SSH, it says so, and lets the receiver be', async (t) => {
  const bed = await makeBed(t, { builds: [{}, {}] });
  await startReceiver(bed);
  const before = await receiverStart(bed);
  const job = await bed.job(['production'], { ...patientWebhook, CUTOVER_SECRET: 'forged-secret-0123456789' });
  await assertDeployedOnce(bed, job);
  assertSaid(job, 'way: ssh, because the receiver answers 401: the signature does not hold');
  assert.is(await receiverStart(bed), before, 'it was restarted');
  assert.not.match(job.said + job.stderr, /forged|restarted/);
});

for (const [hook, what] of [
  ['fetch', 'before the run has begun'],
  ['smoke', 'while the run goes on'],
] as const) {
  test(`W2: the receiver dies with the request, ${what}: it is followed, and not made twice`, async (t) => {
    const bed = await makeWaitingBed(t, hook);
    await startReceiver(bed);
    const job = await bed.startJob(['production'], patientWebhook);
    await job.hasSaid('the request is taken');
    await bed.isWaiting();
    await signalReceiver(bed, 'KILL');
    await job.hasSaid('first, what became of it');
    // A run that has begun is seen from outside; before that only the receiver knows of the request.
    if (hook === 'fetch') await job.hasSaid('the receiver was restarted');
    await bed.goOn();
    const ended = await job.end();
    await assertDeployedOnce(bed, ended);
    assertSaid(ended, 'way: ssh, because the receiver does not answer', /exit 0, way: webhook, then ssh\)\n$/);
    if (hook === 'smoke') assertSaid(ended, /run \S+ is over/);
    await assertRestarted(bed, ended, '');
  });
}

test('W2: the receiver dies as soon as it has answered', async (t) => {
  const bed = await makeBed(t, { builds: [{}, {}] });
  await startReceiver(bed);
  const job = await bed.startJob(['production'], patientWebhook);
  await job.hasSaid('the request is taken');
  await signalReceiver(bed, 'KILL');
  const ended = await job.end();
  await assertDeployedOnce(bed, ended);
});

test('W2: neither way: both are named', async (t) => {
  const bed = await makeBed(t, { builds: [{}, {}] });
  await stopSshd(bed);
  const job = await bed.job(['production']);
  assert.is(job.code, 69, job.said + job.stderr);
  assertSaid(job, /no way is left: the receiver does not answer: .*; ssh: .*refused.* \(exit 69, way: ssh\)/i);
  assert.equal(await bed.deploys(), []);
});

test('W2: neither way, once the request was taken: it says that too', async (t) => {
  const bed = await makeWaitingBed(t, 'smoke');
  await startReceiver(bed);
  await stopSshd(bed);
  const job = await bed.startJob(['production'], patientWebhook);
  await job.hasSaid('the request is taken');
  await bed.isWaiting();
  await signalReceiver(bed, 'KILL');
  const ended = await job.end();
  assert.is(ended.code, 69, ended.said + ended.stderr);
  assertSaid(ended, 'the request may have been taken all the same');
  await bed.goOn();
  await until('the run is over', async () => (await bed.deploys())[0]?.outcome === 'deployed', patienceMs);
});

/** All that the script may start; each leaves its arguments and its environment in a file. */
const programs =
  'cat chmod cp curl cut date dirname grep head jq mkdir mktemp od rm sed sha256sum sleep ssh tail tee timeout tr';

test('W4: no secret is among the arguments or in the environment of any program, or in what is left', async (t) => {
  const bed = await makeBed(t, { builds: [{}, {}] });
  const { sandbox, folder } = bed;
  const seen = `${folder}/seen`;
  for (const name of programs.split(' ')) {
    const real = (await sandbox.run('sh', '-c', `command -v ${name}`)).trim();
    const text = `#!/bin/sh\n{ echo "${name} $*"; /usr/bin/env; } >> ${seen}\nexec ${real} "$@"\n`;
    await sandbox.run('mkdir', '-p', `${folder}/watched`);
    await writeFile(sandbox.hostPath(`${folder}/watched/${name}`), text, { mode: 0o755 });
  }
  const key = await sandbox.run('cat', `${folder}/key`);
  const secrets = { CUTOVER_SECRET: secret, CUTOVER_TOKEN: 'token-of-the-page', CUTOVER_SSH_KEY: key };
  const env = { ...secrets, PATH: `${folder}/watched`, CUTOVER_SSH_KEY_FILE: '' };
  await startReceiver(bed);
  const byWebhook = await bed.job(['production'], { ...env, ...patientWebhook });
  assert.is(byWebhook.code, 0, byWebhook.said + byWebhook.stderr);
  assertSaid(byWebhook, 'way: webhook, because');
  await signalReceiver(bed, 'KILL');
  const overSsh = await bed.job(['production'], env);
  assert.is(overSsh.code, 0, overSsh.said + overSsh.stderr);
  assertSaid(overSsh, 'way: ssh, because');
  const all = [await sandbox.run('cat', seen), byWebhook.said, byWebhook.stderr, overSsh.said, overSsh.stderr];
  all.push(await sandbox.run('sh', '-c', `cat ${folder}/reports/*`));
  const [line = ''] = key.split('\n').slice(1);
  const told = all.join('\n').replaceAll(/^CUTOVER_[A-Z_]*FILE=.*$/gm, '');
  for (const text of [secret, Buffer.from(secret).toString('hex'), secrets.CUTOVER_TOKEN, line])
    assert.not.ok(told.includes(text), lineWith(told, text));
  assert.match(told, /^curl .*\/hooks\/plain\/production/m);
  assert.match(told, /^ssh .* cutover deploy production/m);
  assert.equal(await sandbox.run('sh', '-c', 'ls -d /tmp/tmp.* 2>/dev/null || true'), '', 'nothing is left');
});

function lineWith(told: string, text: string): string {
  return told.split('\n').find((line) => line.includes(text)) ?? '';
}
