// needs: sandbox
import { readdir, readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import * as assert from 'uvu/assert';
import type { StartedProcess } from '../../lib/base/exec.ts';
import { suite, type TestContext } from '../suite.ts';
import { buildId, type Called, calledFrom, makeSite, type Site, until } from './site.ts';
import { assertSound, whoServes } from './sound.ts';

const test = suite('deploy/interrupted');
const [first, second] = [buildId(1), buildId(2)];

interface Refusal {
  error: { code: string; message: string; mend: string };
  exit_code: number;
}

for (const name of ['SIGINT', 'SIGTERM'] as const) {
  test(`S4: ${name} in the middle of a run takes it back`, async (t) => {
    const site = await slowSite(t);
    const run = await startDeploy(site);
    await untilBegun(site, 'start');
    run.child.kill(name);
    const called = await run.end();
    const { outcome, active, failure } = called.document;
    assert.equal([called.code, outcome, active], [4, 'rolled_back', first], called.stderr);
    assert.equal(
      [failure?.reason, failure?.step, failure?.message],
      ['interrupted', 'start', `interrupted by ${name}`],
    );
    await assertSound(site, first, called);
    const again = await site.call('deploy');
    assert.equal(
      [again.code, again.document.active],
      [0, second],
      'a person who interrupts says nothing about the build',
    );
  });
}

test('S4: SIGINT twice does not cut off the way back', async (t) => {
  const site = await slowSite(t);
  const run = await startDeploy(site);
  await untilBegun(site, 'start');
  run.child.kill('SIGINT');
  await until('it goes back', async () => (await ledger(site)).includes('"reverting"'));
  run.child.kill('SIGINT');
  run.child.kill('SIGTERM');
  const called = await run.end();
  assert.equal(
    [called.code, called.document.outcome, called.document.active],
    [4, 'rolled_back', first],
    called.stderr,
  );
  await assertSound(site, first, called);
});

test('SIGINT before anything was changed: exit 130', async (t) => {
  const site = await slowSite(t);
  const before = await whoServes(site);
  // The checks wait for the service's answer while it stands still.
  await site.sandbox.run('kill', '-STOP', String(before?.pid));
  const run = await startDeploy(site);
  await until('it holds the target', async () => (await lockText(site)).includes(`"pid":${run.pidInside()},`));
  run.child.kill('SIGINT');
  await site.sandbox.run('kill', '-CONT', String(before?.pid));
  const { code, document, stderr } = (await run.end()) as unknown as Called<Refusal>;
  assert.equal([code, document.exit_code, document.error.code], [130, 130, 'interrupted'], stderr);
  assert.equal(await whoServes(site), before);
  await assertSound(site, first);
});

test('SIGINT while it waits for another run: exit 130, and the other is not disturbed', async (t) => {
  const site = await slowSite(t);
  const run = await startDeploy(site);
  await untilBegun(site, 'start');
  const queued = await startDeploy(site, '--wait=30s');
  await queued.hasSaid('waiting: another run holds the target');
  queued.child.kill('SIGINT');
  assert.is((await queued.end()).code, 130);
  const called = await run.end();
  assert.equal([called.code, called.document.active], [0, second]);
  await assertSound(site, second, called);
});

test('a second deployer is refused at once, and told who holds the target', async (t) => {
  const site = await slowSite(t);
  const run = await startDeploy(site);
  await untilBegun(site, 'start');
  for (const command of ['deploy', 'rollback']) {
    const { code, document, stderr } = await site.call<Refusal>(command);
    assert.equal([code, document.exit_code, document.error.code], [75, 75, 'locked'], stderr);
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

test('--wait queues behind a run in progress', async (t) => {
  const site = await slowSite(t);
  const run = await startDeploy(site);
  await untilBegun(site, 'start');
  const queued = await site.call('deploy', ['--wait=30s']);
  assert.equal([queued.code, queued.document.outcome, queued.document.active], [0, 'unchanged', second], queued.stderr);
  assert.match(queued.stderr, /waiting: another run holds the target: deploy of the newest build \(pid \d+/);
  assert.is((await run.end()).code, 0);
  await assertSound(site, second);
});

test('--wait has a deadline', async (t) => {
  const site = await slowSite(t);
  const run = await startDeploy(site);
  await untilBegun(site, 'start');
  const queued = await site.call<Refusal>('deploy', ['--wait=200ms']);
  assert.equal([queued.code, queued.document.error.code], [75, 'locked']);
  assert.is((await run.end()).code, 0);
  await assertSound(site, second);
});

test('the terminal goes (SIGHUP): the run goes on', async (t) => {
  const site = await slowSite(t);
  const run = await startDeploy(site);
  await untilBegun(site, 'start');
  run.child.kill('SIGHUP');
  const called = await run.end();
  assert.equal([called.code, called.document.active], [0, second], called.stderr);
  await assertSound(site, second, called);
});

test('S10: nobody reads what it prints: the run goes on, and its log is complete', async (t) => {
  const site = await slowSite(t);
  const child = await site.sandbox.startCutover(['deploy', 'production', '--config', site.config]);
  child.stdout.destroy();
  child.stderr.destroy();
  assert.equal(await child.ended, { code: 0, signal: null });
  const { document } = await site.call('report');
  assert.equal([document.outcome, document.active], ['deployed', second]);
  const log = await readFile(
    site.sandbox.hostPath(`${site.logs}/deployment-${site.unit}-${document.run?.slice(0, 15)}.log`),
    'utf8',
  );
  for (const { name } of document.steps) assert.match(log, ` ✓ ${name} `);
  assert.match(log, `production serves ${second}, proven healthy`);
  await assertSound(site, second);
});

test('S8: the deployer is killed: systemd brings the old build back', async (t) => {
  const site = await slowSite(t);
  const run = await startDeploy(site);
  await untilBegun(site, 'start');
  run.child.kill('SIGKILL');
  await untilSettled(site);
  await assertSound(site, first);
  const { document } = await site.call('report');
  const { outcome, active, failure } = document;
  assert.equal([outcome, active, failure?.reason, failure?.step], ['rolled_back', first, 'interrupted', 'start']);
  assert.match(failure?.message ?? '', 'ended in the middle of it');
});

test('S8: the deployer is killed while the gate looks: systemd brings the old build back', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}], tables: { health: ['healthy_for = "400ms"'] } });
  const run = await startDeploy(site);
  await untilBegun(site, 'gate');
  run.child.kill('SIGKILL');
  await untilSettled(site);
  await assertSound(site, first);
});

test('S8: settle by hand ends what a dead run left, and then has nothing to do', async (t) => {
  const site = await slowSite(t);
  await leaveBehind(site);
  const status = (await site.tell('status')).stdout;
  assert.match(status, /UNFINISHED +run [\d-]+[0-9a-f]+ since .*: cutover settle production/);
  const settled = await site.call('settle');
  const { kind, outcome, active } = settled.document;
  assert.equal([settled.code, kind, outcome, active], [0, 'settle', 'rolled_back', first], settled.stderr);
  await assertSound(site, first);
  const nothing = await site.call('settle');
  assert.equal([nothing.code, nothing.document.outcome, nothing.document.run], [0, 'unchanged', null]);
  assert.match((await site.tell('settle')).stdout, 'nothing to settle');
  await assertSound(site, first);
});

test('S8: rollback after a killed deployer: the build before is back, once', async (t) => {
  const site = await slowSite(t);
  await leaveBehind(site);
  const called = await site.call('rollback');
  assert.equal(
    [called.code, called.document.kind, called.document.outcome, called.document.active],
    [0, 'rollback', 'deployed', first],
    called.stderr,
  );
  await assertSound(site, first);
});

test('S8: a deploy after a killed deployer ends its run first', async (t) => {
  const site = await slowSite(t);
  await leaveBehind(site);
  const called = await site.call('deploy');
  assert.equal(
    [called.code, called.document.outcome, called.document.from, called.document.active],
    [0, 'deployed', first, second],
    called.stderr,
  );
  assert.match(called.stderr, /note: run [\d-]+[0-9a-f]+ had been cut off and was ended first: rolled_back/);
  await assertSound(site, second, called);
});

/** The second build takes a second to listen: time to do something to its deployer. */
function slowSite(t: TestContext): Promise<Site> {
  return makeSite(t, { builds: [{}, { mode: 'slow_start', startMs: 1000 }] });
}

interface Deploying {
  child: StartedProcess;
  pidInside(): number;
  hasSaid(words: string): Promise<void>;
  end(): Promise<Called>;
}

async function startDeploy(site: Site, ...words: string[]): Promise<Deploying> {
  const child = await site.sandbox.startCutover(['deploy', 'production', '--json', '--config', site.config, ...words]);
  let said = '';
  const stdout = text(child.stdout);
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (said += chunk));
  let pid = 0;
  await until('it holds the target, or waits', async () => {
    pid = Number(/"pid":(\d+)/.exec(await lockText(site))?.[1]);
    return said.includes('waiting') || (await site.sandbox.exec(['test', '-d', `/proc/${pid}`])).code === 0;
  });
  return {
    child,
    pidInside: () => pid,
    hasSaid: (word) => until(`it says "${word}"`, async () => said.includes(word)),
    async end() {
      const { code } = await child.ended;
      return calledFrom({ code, stdout: await stdout, stderr: said });
    },
  };
}

/** A dead deployer's traces, on a machine whose systemd does not clean up after it. */
async function leaveBehind(site: Site): Promise<void> {
  const unguarded = { env: { CUTOVER_IN_SETTLE_UNIT: '1' } };
  const child = await site.sandbox.startCutover(['deploy', 'production', '--config', site.config], unguarded);
  child.stdout.resume();
  child.stderr.resume();
  await untilBegun(site, 'start');
  child.kill('SIGKILL');
  await child.ended;
  assert.ok((await readdir(site.sandbox.hostPath(site.state))).includes('in-flight'));
}

async function untilBegun(site: Site, step: string): Promise<void> {
  await until(`${step} has begun`, async () => (await ledger(site)).includes(`"name":"${step}","state":"intended"`));
}

async function untilSettled({ sandbox, state }: Site): Promise<void> {
  await until('the run is settled', async () => !(await readdir(sandbox.hostPath(state))).includes('in-flight'));
}

/** The newest ledger while its run is in flight; empty otherwise. */
async function ledger({ sandbox, state }: Site): Promise<string> {
  const directory = sandbox.hostPath(state);
  const mark = await readFile(`${directory}/in-flight`, 'utf8').catch(() => '');
  const run = /"run":"([^"]+)"/.exec(mark)?.[1];
  return run === undefined ? '' : readFile(`${directory}/runs/${run}.jsonl`, 'utf8');
}

function lockText({ sandbox, state }: Site): Promise<string> {
  return readFile(`${sandbox.hostPath(state)}/lock`, 'utf8').catch(() => '');
}
