// needs: sandbox
import { rm, writeFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { held, leaveBehind, letGo, lockText, startDeploy, untilBegun } from '../deploy/running.ts';
import { buildId, type Called, makeSite, type Refusal, type Site, until } from '../deploy/site.ts';
import { suite, type TestContext } from '../suite.ts';
import { assertServes, untilEnded } from './ended.ts';
import { deployNext } from './next.ts';
import { startReader } from './reader.ts';
import { together } from './together.ts';

const test = suite('crash/at once', { timeoutMs: 120_000 });
const [first, second] = [buildId(1), buildId(2)];

for (const number of [2, 4, 8]) {
  test(`${number} deployers at once: one works, the others are told who it is`, async (t) => {
    const site = await watchedSite(t);
    await site.add({ mode: 'held' });
    const calls = await together(
      site,
      Array.from({ length: number }, () => site.call('deploy')),
    );
    const [winner, ...more] = calls.filter(({ code }) => code === 0);
    assert.equal([winner?.document.active, more], [second, []]);
    const { pid } = JSON.parse(await lockText(site)) as { pid: number };
    for (const called of calls.filter((one) => one !== winner))
      assertRefused(called, `deploy of the newest build (pid ${pid}, `);
    await untilEnded(site);
    await assertServes(site, second);
  });

  test(`${number} deployers queue up: all end well, in the order in which they came`, async (t) => {
    const site = await watchedSite(t);
    const builds = [await site.add({ mode: 'held' })];
    const queue = [await startDeploy(site, second, '--wait=5min')];
    await untilBegun(site, 'start');
    for (let place = 1; place < number; place += 1) {
      const build = await site.add();
      builds.push(build);
      const waiting = await startDeploy(site, build, '--wait=5min');
      await waiting.hasSaid('waiting: another run holds the target');
      // It says so before it stands in the kernel's queue.
      const inQueue = async (): Promise<number> => Number((await site.sandbox.exec(['pgrep', '-cx', 'flock'])).stdout);
      await until('it is in the queue', async () => (await inQueue()) >= place);
      queue.push(waiting);
    }
    const ended = await Promise.all(queue.map((one) => one.end()));
    assert.equal(
      ended.map(({ code, document }) => [code, document.active]),
      builds.map((build) => [0, build]),
    );
    await untilEnded(site);
    await assertServes(site, builds.at(-1) ?? '');
    const { runs } = (await site.call<{ runs: Called['document'][] }>('history')).document;
    assert.equal(
      runs.map(({ to }) => to),
      [...builds.toReversed(), first],
      'the order',
    );
  });
}

test('one that waits is killed, another is interrupted: the others do not notice', async (t) => {
  const site = await watchedSite(t);
  await site.add({ mode: 'held' });
  const run = await startDeploy(site);
  await untilBegun(site, 'start');
  const third = await site.add();
  const waiting = [];
  for (let place = 0; place < 3; place += 1) {
    const one = await startDeploy(site, third, '--wait=5min');
    await one.hasSaid('waiting');
    waiting.push(one);
  }
  const [killed, interrupted, last] = waiting;
  killed?.child.kill('SIGKILL');
  interrupted?.child.kill('SIGTERM');
  assert.is((await interrupted?.end())?.code, 130);
  assert.is((await run.end()).code, 0);
  const called = await last?.end();
  assert.equal([called?.code, called?.document.active], [0, third], called?.stderr);
  await untilEnded(site);
  await assertServes(site, third);
});

test('S8: settle and deploy at once, after a deployer died without a guard', async (t) => {
  const site = await watchedSite(t);
  for (let time = 0; time < 3; time += 1) {
    const from = await proven(site);
    const to = await site.add({ mode: 'held' });
    await leaveBehind(site);
    const [settle, deploy] = await Promise.all([site.call('settle'), site.call('deploy')]);
    await untilEnded(site);
    assert.ok([0, 75].includes(settle.code ?? -1), settle.stderr);
    if (deploy.code === 75) assertRefused(deploy, 'settle (pid ');
    else assert.equal([deploy.code, deploy.document.active], [0, to], deploy.stderr);
    await assertServes(site, deploy.code === 75 ? from : to);
    await deployNext(site);
  }
});

test('S8: a deploy comes while systemd settles: it waits, or is told who is at work', async (t) => {
  const site = await watchedSite(t);
  for (const words of [['--wait=5min'], []]) {
    const from = await proven(site);
    const to = await site.add({ mode: 'held' });
    const run = await startDeploy(site);
    await untilBegun(site, 'start');
    run.child.kill('SIGKILL');
    await run.child.ended;
    await letGo(site);
    const called = await site.call('deploy', words);
    await untilEnded(site);
    if (called.code === 75 && words.length === 0) assertRefused(called, '');
    else assert.equal([called.code, called.document.active], [0, to], called.stderr);
    await assertServes(site, called.code === 75 ? from : to);
    await deployNext(site);
  }
});

test('S8: rollback and deploy at once: one of them, whole', async (t) => {
  const site = await watchedSite(t);
  for (let time = 0; time < 3; time += 1) {
    const from = await proven(site);
    await deployNext(site);
    const to = await site.add({ mode: 'held' });
    await writeFile(site.sandbox.hostPath(`${site.builds}/${from}/behaviour.json`), '{"mode":"held"}');
    await rm(site.sandbox.hostPath(`${site.builds}/${from}/go`), { force: true });
    const calls = await together(site, [site.call('rollback'), site.call('deploy')]);
    await untilEnded(site);
    const isDeployed = calls[1]?.code === 0;
    const codes = calls.map(({ code }) => code);
    assert.equal(codes, isDeployed ? [75, 0] : [0, 75], calls.map(({ stderr }) => stderr).join(''));
    for (const called of calls.filter(({ code }) => code === 75))
      assertRefused(called, isDeployed ? 'deploy of' : 'rollback to');
    await assertServes(site, isDeployed ? to : from);
    await deployNext(site);
  }
});

async function watchedSite(t: TestContext): Promise<Site> {
  const site = await makeSite(t, { tables: held.tables });
  t.cleanup(await startReader(site));
  return site;
}

/** The build that serves before a test's next round. */
async function proven(site: Site): Promise<string> {
  return (await site.call('report')).document.active ?? '';
}

function assertRefused(called: Called, holder: string): void {
  const { code, stderr } = called;
  const { error } = called.document as unknown as Refusal;
  assert.equal([code, error?.code], [75, 'locked'], stderr);
  const start = `another run holds the target: ${holder}`;
  assert.ok(error.message.startsWith(start), `${error.message}\ninstead of ${start}`);
}
