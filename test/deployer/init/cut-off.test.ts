// needs: sandbox
// deadline: 10min
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { CheckReport } from '../../../lib/deployer/check.ts';
import type { TargetStatus } from '../../../lib/deployer/status.ts';
import { repository, type TestSandbox } from '../../sandboxed.ts';
import { suite } from '../../suite.ts';
import { calledFrom, makeSite, type Refusal, until } from '../../deploy/site.ts';
import { adopt, configurePlain, type PlainSite, plainSite, refusedAdoption, servedFrom } from './adopt-site.ts';
import { change, stateOf } from './strategy-site.ts';

const test = suite('deployer/init cut off', { timeoutMs: 280_000 });
const preload = `--require=${join(repository, 'test/deployer/init/kill-at.cjs')}`;
/** systemd has been told to read the unit's files anew, with the lines of ours among them. */
const afterReload = { adopt: 5, strategy: 5 };

async function killed(sandbox: TestSandbox, words: string[], moment: number): Promise<void> {
  const env = { NODE_OPTIONS: preload, KILL_AT: String(moment) };
  const { code, stderr } = await sandbox.cutover(['init', ...words], { env });
  assert.ok(code === null || code === 137, `exit ${code}: ${stderr}`);
  // Who is dead before systemd asks the bus who it was is not always obeyed.
  await sandbox.run('systemctl', 'daemon-reload');
}

/** A move that was killed when systemd knew of our lines, beside a configuration that was there before. */
async function killedMove(site: PlainSite): Promise<void> {
  const { sandbox, unit, builds } = site;
  await sandbox.run('mkdir', '-p', builds);
  await configurePlain(site);
  await killed(sandbox, [unit, '--adopt'], afterReload.adopt);
  await sandbox.run('test', '-e', `/etc/systemd/system/${unit}.d/zz-cutover-adopt.conf`);
}

/** What `check` refuses a deploy for. */
async function failing(
  sandbox: TestSandbox,
  words: string[],
): Promise<{ name: string; observed: string; mend: string }[]> {
  const { code, document } = calledFrom<CheckReport>(await sandbox.cutover(['check', ...words, '--json']));
  assert.is(code, 1);
  const failed = document.checks.filter(({ status }) => status === 'fail');
  return failed.map(({ name, observed, mend }) => ({ name, observed, mend: mend ?? '' }));
}

test('a move that was cut off: check, status and init say so, and a deploy that takes it back deploys nothing', async (t) => {
  const site = await plainSite(t);
  const { sandbox, unit, source, builds } = site;
  await killedMove(site);
  const message = `a move of ${unit} to ${builds}/current was cut off`;
  const mend = `cutover init ${unit} --adopt (goes on), or cutover init ${unit} --adopt --undo`;
  assert.equal(await failing(sandbox, []), [{ name: 'in_flight', observed: message, mend }]);
  const { document } = calledFrom<{ targets: TargetStatus[] }>(await sandbox.cutover(['status', '--json']));
  assert.equal(document.targets[0]?.unfinished_change, { message, mend });
  assert.match((await sandbox.cutover(['status'])).stdout, `UNFINISHED ${message}: ${mend}`);
  const init = calledFrom<Refusal>(
    await sandbox.cutover(['init', unit, '--output', '/etc/cutover/new.toml', '--json']),
  );
  assert.equal([init.code, init.document.error?.message], [1, `${message}; nothing was written`]);
  assert.is((await sandbox.exec(['test', '-e', '/etc/cutover/new.toml'])).code, 1);
  const deployed = calledFrom(await sandbox.cutover(['deploy', '--json']));
  assert.equal([deployed.code, deployed.document.outcome], [1, 'refused'], deployed.stderr);
  assert.match(deployed.stderr, 'taken back first; then nothing was deployed to production');
  assert.not.match(deployed.stderr, 'was not touched');
  assert.is(await servedFrom(site), source);
});

test('a move that was cut off is taken back by --undo, which is all that it was to do', async (t) => {
  const site = await plainSite(t);
  const { sandbox, unit, source, builds } = site;
  await killedMove(site);
  const undone = await adopt(site, '--undo');
  assert.equal([undone.code, undone.document.adopted], [0, null], undone.stderr);
  assert.match(undone.stderr, 'had been cut off, and was taken back first');
  assert.is(await servedFrom(site), source);
  assert.match((await refusedAdoption(site, '--undo')).message, 'was not moved by cutover init --adopt');
  // The place for builds was not there before, and is not after.
  await sandbox.run('rmdir', builds);
  await killed(sandbox, [unit, '--adopt'], afterReload.adopt);
  const deployed = calledFrom<Refusal>(await sandbox.cutover(['deploy', '--json']));
  assert.is(deployed.code, 2);
  assert.match(
    deployed.document.error?.message ?? '',
    `taken back first; then nothing was deployed: the builds directory ${builds} does not exist`,
  );
  await killed(sandbox, [unit, '--adopt'], afterReload.adopt);
  const told = await sandbox.cutover(['init', unit, '--adopt', '--undo']);
  assert.equal([told.code, /it runs where it ran before/.test(told.stdout)], [0, true], told.stdout + told.stderr);
});

test('S8: a move that was cut off under other names: nothing is begun beside it, and the command says them', async (t) => {
  const site = await plainSite(t);
  const { sandbox, unit, source, builds } = site;
  t.cleanup(() => rm(sandbox.hostPath('/var/lib/cutover/other'), { recursive: true, force: true }));
  await killed(sandbox, [unit, '--adopt', '--app', 'other', '--target', 'blue'], afterReload.adopt);
  const { code, kind, message, mend } = await refusedAdoption(site);
  assert.equal([code, kind], [1, 'refused'], message);
  const what = `a move of ${unit} to ${builds}/current was cut off, by /var/lib/cutover/other/blue; nothing was changed`;
  assert.is(message, what);
  const init = `cutover init ${unit} --app other --target blue --adopt`;
  assert.is(mend, `${init} (goes on), or ${init} --undo`);
  const ended = await sandbox.cutover([...init.split(' ').slice(1), '--undo']);
  assert.equal([ended.code, await servedFrom(site)], [0, source], ended.stderr);
  assert.is((await adopt(site)).code, 0);
  assert.not.equal(await servedFrom(site), source);
});

test('lines that somebody took out of the unit: the unit counts, and not what was written down', async (t) => {
  const site = await plainSite(t);
  const { sandbox, unit, source, builds } = site;
  assert.is((await adopt(site)).code, 0);
  await sandbox.run('systemctl', 'revert', unit);
  await sandbox.run('systemctl', 'restart', unit);
  await until('it serves', async () => (await servedFrom(site)) === source);
  const { code, message, mend } = await refusedAdoption(site);
  assert.is(code, 1);
  assert.is(message, `${unit} was moved into ${builds}, and its unit says ${source} again; nothing was changed`);
  assert.match(mend, `cutover init ${unit} --adopt --undo`);
  assert.match(mend, `\n[Service]\nWorkingDirectory=${builds}/current`);
  const undone = await adopt(site, '--undo');
  assert.equal([undone.code, await servedFrom(site)], [0, source], undone.stderr);
});

test('the record of a move is lost: what is missing is said, and the commands lead back', async (t) => {
  const site = await plainSite(t);
  const { sandbox, unit, source } = site;
  assert.is((await adopt(site)).code, 0);
  const record = '/var/lib/cutover/plain/production/adopted.json';
  await rm(sandbox.hostPath(record));
  const again = await adopt(site);
  assert.equal([again.code, again.document.adopted], [0, null], again.stderr);
  const { code, message, mend } = await refusedAdoption(site, '--undo');
  assert.is(code, 1);
  assert.match(message, `${record}, which tells where ${unit} ran before, is not there`);
  const [, commands = ''] = mend.split('): ');
  await sandbox.run('sh', '-c', commands);
  await until('it runs where it ran before', async () => (await servedFrom(site)) === source);
});

test('a change of strategy that was cut off: nothing is advised but its end', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}] });
  const { sandbox, unit, config } = site;
  const words = [unit, '--strategy', 'socket', '--config', config];
  await killed(sandbox, words, afterReload.strategy);
  const message = `a change of ${unit} from strategy "restart" to "socket" was cut off`;
  const [found, ...others] = await failing(sandbox, ['--config', config]);
  assert.equal([found?.name, found?.observed, others], ['in_flight', message, []]);
  assert.match(found?.mend ?? '', /--strategy socket \(goes on\), or cutover init .* --strategy restart$/);
  // The newest build cannot be deployed.
  await sandbox.run('mkdir', `${site.builds}/dist.20991231-000000`);
  const refused = await site.call('deploy');
  assert.equal([refused.code, refused.document.outcome], [2, 'refused'], refused.stderr);
  assert.match(refused.stderr, 'and was taken back first; then nothing was deployed to');
  assert.match(refused.document.ended_first ?? '', 'had been cut off, and was taken back first');
  assert.is(await stateOf(site, `${site.app}.socket`), 'inactive');
  await sandbox.run('rmdir', `${site.builds}/dist.20991231-000000`);
  assert.is((await change(site, 'socket')).code, 0);
  assert.is((await change(site, 'restart')).code, 0);
});
