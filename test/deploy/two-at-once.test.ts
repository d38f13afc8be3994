// needs: sandbox
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import * as assert from 'uvu/assert';
import { suite, type TestContext } from '../suite.ts';
import { heldSite, startDeploy, untilBegun } from './running.ts';
import { buildId, calledFrom, executable, makeSite, type Refusal, type Site, until } from './site.ts';
import { assertNothingLeft, assertSound } from './sound.ts';

const test = suite('deploy/two at once');
const second = buildId(2);

test('a second deployer is refused at once, and told who holds the target', async (t) => {
  const site = await heldSite(t);
  const run = await startDeploy(site);
  await untilBegun(site, 'start');
  for (const command of ['deploy', 'rollback']) {
    const { code, document, stderr } = await site.call<Refusal>(command);
    assert.equal([code, document.exit_code, document.error?.code], [75, 75, 'locked'], stderr);
    const holder = `another run holds the target: deploy of the newest build (pid ${run.pidInside()}, user root, since `;
    assert.ok(document.error.message.startsWith(holder), document.error.message);
    assert.match(document.error.mend, '--wait');
  }
  const inFlight = (await site.call<{ targets: { in_flight: { pid: number } }[] }>('status')).document.targets[0]
    ?.in_flight;
  assert.is(inFlight?.pid, run.pidInside());
  const called = await run.end();
  assert.equal([called.code, called.document.active], [0, second]);
  await assertSound(site, second, called);
});

for (const doing of ['prune', 'prune after a run']) {
  test(`S8: a rollback waits for who only removes old builds: ${doing}`, (t) => rollsBackAfter(t, doing));
}

async function rollsBackAfter(t: TestContext, doing: string): Promise<void> {
  const site = await makeSite(t, { builds: [{}, {}] });
  await site.call('deploy');
  const { sandbox, state, folder, config } = site;
  const [tidying, holds] = [`${folder}/tidying`, `${folder}/holds`];
  await sandbox.run('touch', tidying);
  const holder = `{"pid":%s,"doing":"${doing}","since":"2026-02-03T15:00:00.000Z","user":"root"}`;
  const work = `printf '${holder}\\n' $$ >"$1"; touch "$2"; while test -e "$3"; do sleep 0.02; done`;
  const lock = `${state}/lock`;
  const pruning = await sandbox.spawn(['flock', lock, 'sh', '-c', work, 'sh', lock, holds, tidying]);
  await until('it holds the target', async () => (await sandbox.exec(['test', '-e', holds])).code === 0);
  const rolling = await sandbox.startCutover(['rollback', 'production', '--json', '--config', config]);
  let said = '';
  rolling.stderr.setEncoding('utf8').on('data', (chunk: string) => (said += chunk));
  const stdout = text(rolling.stdout);
  await until('it waits', async () => said.includes(`another run holds the target: ${doing} (pid `));
  await sandbox.run('rm', tidying);
  await pruning.ended;
  const { code } = await rolling.ended;
  const called = calledFrom({ code, stdout: await stdout, stderr: said });
  assert.equal([called.code, called.document.active], [0, buildId(1)], said);
  await assertSound(site, buildId(1), called);
}

test('S8, S9: one unit is deployed by one at a time, with a configuration and without', async (t) => {
  const site = await heldSite(t);
  const { sandbox, unit, builds, port } = site;
  const run = await startDeploy(site);
  await untilBegun(site, 'start');
  const words = [executable('deploy-with-zero-downtime'), unit, `${builds}/${second}`, String(port), '--json'];
  const direct = async (...more: string[]) =>
    calledFrom<Refusal>(await sandbox.exec([process.execPath, ...words, ...more], { cwd: '/', timeoutMs: 60_000 }));
  const { code, document, stderr } = await direct();
  assert.equal([code, document.error?.code], [75, 'locked'], stderr);
  const holder = `another run holds ${unit}: deploy of the newest build (pid ${run.pidInside()}, user root, since `;
  assert.ok(document.error.message.startsWith(holder), document.error.message);
  const called = await run.end();
  assert.equal([called.code, called.document.active], [0, second]);
  const waited = await direct('--wait=1min');
  assert.equal([waited.code, waited.document.exit_code], [0, 0], waited.stderr);
  await assertSound(site, second, called);
});

test('S8, S9: what was cut off under one name is ended before another begins', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}] });
  const { sandbox, unit, builds, port } = site;
  // The settle unit of the run before looks for just such a mark.
  await assertNothingLeft(site);
  const cutOff = await leaveCutOff(site);
  const words = [executable('deploy-with-zero-downtime'), unit, `${builds}/${second}`, String(port), '--json'];
  const direct = async () =>
    calledFrom<Refusal>(await sandbox.exec([process.execPath, ...words], { cwd: '/', timeoutMs: 60_000 }));
  const { code, document } = await direct();
  assert.equal([code, document.error?.code], [1, 'refused'], document.error?.message);
  assert.match(document.error.message, `run ${cutOff} on ${unit}`);
  const mend = document.error.mend.split(' ').slice(1);
  assert.is((await sandbox.cutover(mend)).code, 0);
  const next = await direct();
  assert.is(next.code, 0, next.stderr);
  await assertSound(site, second);
});

test('--wait queues behind a run in progress', async (t) => {
  const site = await heldSite(t);
  const run = await startDeploy(site);
  await untilBegun(site, 'start');
  const waiting = await startDeploy(site, '--wait=1min');
  await waiting.hasSaid('waiting');
  assert.is((await run.end()).code, 0);
  const queued = await waiting.end();
  assert.equal([queued.code, queued.document.outcome, queued.document.active], [0, 'unchanged', second], queued.stderr);
  assert.match(queued.stderr, /waiting: another run holds the target: deploy of the newest build \(pid \d+/);
  await assertSound(site, second);
});

test('--wait has a deadline', async (t) => {
  const site = await heldSite(t);
  const run = await startDeploy(site);
  await untilBegun(site, 'start');
  const queued = await site.call<Refusal>('deploy', ['--wait=200ms']);
  assert.equal([queued.code, queued.document.error?.code], [75, 'locked']);
  assert.is((await run.end()).code, 0);
  await assertSound(site, second);
});

test('S8: a run that ends at once leaves no scope behind', async (t) => {
  const site = await makeSite(t);
  for (let time = 0; time < 5; time += 1) {
    assert.is((await site.call('deploy', ['20200101-000000'])).code, 2);
    await assertNothingLeft(site);
  }
});

/** Leaves the files of a run that was cut off before its first step. @returns its name */
async function leaveCutOff({ sandbox, state }: Site): Promise<string> {
  const runs = sandbox.hostPath(`${state}/runs`);
  const [name = ''] = (await readdir(runs)).filter((file) => file.endsWith('.jsonl'));
  const past = name.replace('.jsonl', '');
  const run = past.replace(/....$/, 'ffff');
  const [first = ''] = (await readFile(`${runs}/${name}`, 'utf8')).split('\n');
  await writeFile(`${runs}/${run}.jsonl`, `${first.replaceAll(past, run)}\n`);
  const mark = { run, pid: 0, start_ticks: 0, boot_id: '', since: new Date().toISOString() };
  await writeFile(sandbox.hostPath(`${state}/in-flight`), `${JSON.stringify(mark)}\n`);
  return run;
}
