// needs: sandbox
// deadline: 10min
import * as assert from 'uvu/assert';
import { buildId, makeSite, type Site } from '../../deploy/site.ts';
import { assertSound } from '../../deploy/sound.ts';
import type { CheckReport } from '../../../lib/deployer/check.ts';
import type { RecoveryReport } from '../../../lib/report/recovery-report.ts';
import type { RunDocument } from '../../../lib/run/document.ts';
import { suite, type TestContext } from '../../suite.ts';
import { configureRecovery } from '../recover/one-service.ts';
import { change, refusedChange, stateOf } from './strategy-site.ts';

const test = suite('deployer/init unwritten', { timeoutMs: 280_000 });

/** A site whose configuration is all that there is room for where it lies. */
async function fullSite(t: TestContext): Promise<{ site: Site; small: Site; words: string[]; folder: string }> {
  const site = await makeSite(t, { builds: [{}, {}] });
  const { sandbox, app } = site;
  const folder = `/srv/${app}-small`;
  const config = `${folder}/cutover.toml`;
  assert.is((await site.call('deploy')).code, 0);
  await configureRecovery(site, {});
  await sandbox.run('sh', '-ec', `mkdir ${folder}; mount -t tmpfs -o size=64k small ${folder}`);
  t.cleanup(() => sandbox.run('sh', '-c', `umount ${folder} && rmdir ${folder}`));
  await sandbox.run('cp', site.config, config);
  await sandbox.exec(['sh', '-c', `cat /dev/zero > ${folder}/.full`]);
  return { site, small: { ...site, config }, words: ['--config', config], folder };
}

test('S8: no room for the configuration after the proof: a rollback goes through, and the same command goes on', async (t) => {
  const { site, small, words, folder } = await fullSite(t);
  const { sandbox, unit, app } = site;
  const { config } = small;
  const text = await sandbox.run('cat', config);
  const { code, kind, message, mend } = await refusedChange(small, 'socket');
  assert.equal([code, kind], [3, 'failed'], message);
  assert.match(
    message,
    `${unit} serves behind a socket unit; what is left is to be written down: cannot write ${config}`,
  );
  assert.match(mend, /then again: cutover init .*--strategy socket$/);
  assert.is(await stateOf(site, `${app}.socket`), 'active');
  const checked = await site.call<CheckReport>('check', words);
  const failed = checked.document.checks.filter(({ status }) => status === 'fail');
  assert.equal(
    failed.map(({ name }) => name),
    ['in_flight'],
  );
  await site.add({});
  const deployed = await site.call('deploy', words);
  assert.is(deployed.code, 1, deployed.stderr);
  assert.match(deployed.stderr, /cutover init .*--strategy socket \(goes on\)/);
  assert.not.match(deployed.stderr, 'is at work');
  const back = await site.call('rollback', words);
  assert.equal([back.code, back.document.active], [0, buildId(1)], back.stderr);
  assert.match(back.stderr, `had been cut off after its proof; ${unit} serves behind a socket unit`);
  assert.is(await sandbox.run('cat', config), text);
  assert.is((await refusedChange(small, 'socket')).code, 3);
  await sandbox.run('rm', `${folder}/.full`);
  const next = await site.call('deploy', words);
  assert.equal([next.code, next.document.active], [0, buildId(3)], next.stderr);
  assert.match(next.stderr, 'had been cut off after its proof, and was completed');
  const again = await change(small, 'socket');
  assert.equal([again.code, again.document.downtime_ms], [0, null], again.stderr);
  assert.match(await sandbox.run('cat', config), 'strategy = "socket"');
  await assertSound(site, buildId(3));
  assert.is((await change(small, 'restart')).code, 0);
});

test('R1: proven behind its socket, and no room for the configuration: a recovery goes by the socket', async (t) => {
  const { site, small, words } = await fullSite(t);
  const { sandbox, unit, app } = site;
  assert.is((await refusedChange(small, 'socket')).code, 3);
  const looked = await site.call<RecoveryReport>('recover', [...words, '--status-only']);
  assert.equal([looked.code, looked.document.targets[0]?.findings], [0, []], looked.stderr);
  await sandbox.run('systemctl', 'stop', `${app}.socket`, unit);
  const { code, document, stderr } = await site.call<RecoveryReport>('recover', words);
  assert.equal([code, document.targets[0]?.after.healthy], [0, true], stderr);
  const [run] = (await site.call<{ runs: RunDocument[] }>('history', words)).document.runs;
  assert.equal([run?.kind, run?.strategy, run?.outcome], ['recovery', 'socket', 'deployed']);
  assert.is(await stateOf(site, `${app}.socket`), 'active');
  await assertSound(site, buildId(2));
});
