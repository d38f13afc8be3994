// needs: sandbox
// deadline: 10min
import { writeFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import type { RecoveryReport } from '../../../lib/report/recovery-report.ts';
import { breakBuild, buildId, type Called, calledFrom, makeSite, type Refusal, type Site } from '../../deploy/site.ts';
import { assertSound } from '../../deploy/sound.ts';
import { suite, type TestContext } from '../../suite.ts';
import { onlyOne } from '../recover/one-service.ts';
import { plainSite, refusedAdoption, servedFrom } from './adopt-site.ts';
import { initKilledAt, moments } from './killing.ts';
import { change, everything } from './strategy-site.ts';

const test = suite('deployer/init ended', { timeoutMs: 280_000 });
const [first, second] = [buildId(1), buildId(2)];

/** A change of strategy that was killed at its restart. */
async function cutOffSite(t: TestContext): Promise<Site> {
  const site = await makeSite(t, { builds: [{}, {}] });
  assert.is((await site.call('deploy')).code, 0);
  await initKilledAt(site.sandbox, [site.unit, '--strategy', 'socket', '--config', site.config], moments.atRestart);
  return site;
}

async function assertDownIsTold(ending: (site: Site) => Promise<Called<Refusal>>, t: TestContext): Promise<void> {
  const site = await cutOffSite(t);
  await breakBuild(site, second);
  await site.sandbox.run('systemctl', 'kill', '--signal=KILL', site.unit);
  const { code, document, stderr } = await ending(site);
  assert.equal([code, document.error?.code], [3, 'failed'], stderr);
  assert.match(document.error?.message ?? '', 'had been cut off, and was taken back first; but ');
  assert.match(document.error?.mend ?? '', /journalctl .*cutover rollback .*production$/);
  const called = await site.call('rollback');
  assert.equal([called.code, called.document.active], [0, first], called.stderr);
  await assertSound(site, first);
}

test('S8: settle takes a change back, and the service does not come up: that is no success', (t) =>
  assertDownIsTold((site) => site.call<Refusal>('settle'), t));

test('S8: the way back takes a change back, and the service does not come up: that is no success', (t) =>
  assertDownIsTold((site) => change<Refusal>(site, 'restart'), t));

test('S8: settle says what it did with a change that was cut off', async (t) => {
  const site = await cutOffSite(t);
  const cutOff = await everything(site);
  const { code, document, stderr } = await site.call('settle');
  assert.equal([code, document.outcome, document.run, document.active], [0, 'unchanged', null, second], stderr);
  const ended = `a change of ${site.unit} from strategy "restart" to "socket" had been cut off, and was taken back first`;
  assert.is(document.ended_first, ended);
  assert.not.equal(await everything(site), cutOff);
  const again = await site.call('settle');
  assert.equal([again.code, again.document.ended_first], [0, undefined]);
  await assertSound(site, second);
});

test('S8: a move is taken back, and the directory does not serve any more: that is no success', async (t) => {
  const site = await plainSite(t);
  const { sandbox, unit, source } = site;
  await initKilledAt(sandbox, [unit, '--adopt'], moments.beforeProof.adopt);
  await writeFile(sandbox.hostPath(`${source}/app.mjs`), 'process.exit(3);\n');
  const { code, kind, message, mend } = await refusedAdoption(site, '--undo');
  assert.equal([code, kind], [3, 'failed'], message);
  assert.match(message, 'had been cut off, and was taken back first; but ');
  assert.match(mend, `journalctl -u ${unit}`);
});

test('R1: a recovery that took a move back leaves the service alone that serves again', async (t) => {
  const site = await plainSite(t);
  const { sandbox, unit, source, builds, port } = site;
  const lines = ['app = "plain"', '[targets.production]', `unit = "${unit}"`, `builds = "${builds}"`, `port = ${port}`];
  await sandbox.run('mkdir', '-p', '/etc/cutover');
  await writeFile(sandbox.hostPath(site.config), [...lines, '[recovery]', 'attempts = 1', ''].join('\n'));
  await initKilledAt(sandbox, [unit, '--adopt'], moments.beforeProof.adopt);
  const build = (await sandbox.run('readlink', `${builds}/current`)).trim();
  await writeFile(sandbox.hostPath(`${builds}/${build}/app.mjs`), 'process.exit(3);\n');
  await sandbox.run('systemctl', 'kill', '--signal=KILL', unit);
  const called = calledFrom<RecoveryReport>(await sandbox.cutover(['recover', '--json']));
  assert.is(called.code, 0, called.stderr);
  const told = onlyOne(called.document);
  assert.equal([told.before.healthy, told.after.healthy, told.run], [false, true, null]);
  assert.match(told.actions.join('\n'), 'had been cut off, and was taken back first');
  assert.is(await servedFrom(site), source);
});
