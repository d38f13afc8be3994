// needs: sandbox
import { readdir, writeFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { suite } from '../suite.ts';
import {
  endStop,
  held,
  heldSite,
  leaveBehind,
  letGo,
  neverWell,
  slowToStop,
  startDeploy,
  untilBegun,
  untilSettled,
  untilStopping,
} from './running.ts';
import { buildId, makeSite, until } from './site.ts';
import { assertSound } from './sound.ts';

const test = suite('deploy/killed');
const [first, second] = [buildId(1), buildId(2)];

test('S8: the deployer is killed: systemd brings the old build back', async (t) => {
  const site = await heldSite(t);
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
  const site = await makeSite(t, neverWell);
  const run = await startDeploy(site);
  await untilBegun(site, 'gate');
  run.child.kill('SIGKILL');
  await untilSettled(site);
  await assertSound(site, first);
});

test('S5, S8: the deployer is killed while the old build takes its time to stop: it is back', async (t) => {
  const site = await slowToStop(t);
  const run = await startDeploy(site);
  await untilStopping(site);
  run.child.kill('SIGKILL');
  await endStop(site);
  await untilSettled(site);
  const { outcome, active, failure } = (await site.call('report')).document;
  assert.equal([outcome, active, failure?.step], ['rolled_back', first, 'stop'], failure?.message);
  await assertSound(site, first);
});

test('S8: settle by hand ends what a dead run left, and then has nothing to do', async (t) => {
  const site = await heldSite(t);
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
  const site = await heldSite(t);
  await leaveBehind(site);
  const called = await site.call('rollback');
  assert.equal(
    [called.code, called.document.kind, called.document.outcome, called.document.active],
    [0, 'rollback', 'deployed', first],
    called.stderr,
  );
  await assertSound(site, first);
});

test('S8: rollback after a rollback that was killed: it is done, and does not end on the build to be left', async (t) => {
  const site = await makeSite(t, { ...held, builds: [{ mode: 'held' }, {}], isDeployed: false });
  await letGo(site);
  for (const build of [first, second]) assert.is((await site.call('deploy', [build])).code, 0);
  await leaveBehind(site, 'start', 'rollback');
  const { code, document, stderr } = await site.call('rollback');
  assert.match(stderr, 'had been cut off and was ended first: rolled_back');
  const { kind, outcome, from, active } = document;
  assert.equal([code, kind, outcome, from, active], [0, 'rollback', 'deployed', second, first], stderr);
  await assertSound(site, first);
});

test('S8: a run whose outcome was written before its deployer was killed: settle and rollback exit 0', async (t) => {
  for (const command of ['settle', 'rollback']) {
    const site = await makeSite(t, { builds: [{}, { mode: 'crash' }], isDeployed: false });
    // What systemd runs behind a deploy would end it before the command does.
    const unguarded = { env: { CUTOVER_IN_SETTLE_UNIT: '1' } };
    assert.is((await site.call('deploy', [first], unguarded)).code, 0);
    const { code, document } = await site.call('deploy', [second], unguarded);
    assert.is(code, 4);
    const mark = { run: document.run, pid: 0, start_ticks: 0, boot_id: '', since: document.started_at };
    await writeFile(site.sandbox.hostPath(`${site.state}/in-flight`), JSON.stringify(mark));
    const ended = await site.call(command);
    const { kind, exit_code, active } = ended.document;
    assert.equal([ended.code, kind, exit_code, active], [0, command, 0, first], ended.stderr);
    await assertSound(site, first);
  }
});

test('S8: a deploy after a killed deployer ends its run first', async (t) => {
  const site = await heldSite(t);
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

test('S8: the deployer is killed, and what systemd runs after it too: settle by hand', async (t) => {
  const site = await heldSite(t);
  const run = await startDeploy(site);
  await untilBegun(site, 'start');
  run.child.kill('SIGKILL');
  const settle = `cutover-settle-${site.app}-production.service`;
  await until('the settle unit is killed', async () => {
    const isOver = !(await readdir(site.sandbox.hostPath(site.state))).includes('in-flight');
    const pid = await site.sandbox.run('systemctl', 'show', '--property=MainPID', '--value', settle);
    // It may have been quicker. The unit is known before it runs, and then nobody would be killed.
    if (pid === '0' || pid === '') return isOver;
    return (await site.sandbox.exec(['systemctl', 'kill', '--signal=KILL', settle])).code === 0;
  });
  const settled = await site.call('settle', ['--wait=1min']);
  assert.is(settled.code, 0, settled.stderr);
  await assertSound(site, first);
});
