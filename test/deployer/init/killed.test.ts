// needs: sandbox
// deadline: 10min
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { repository } from '../../sandboxed.ts';
import { suite, type TestContext } from '../../suite.ts';
import { held, letGo } from '../../deploy/running.ts';
import { breakBuild, buildId, makeSite, type Site, until } from '../../deploy/site.ts';
import { assertSound, whoServes } from '../../deploy/sound.ts';
import { badFindings, change, everything, holdersOf, stateOf } from './strategy-site.ts';

const test = suite('deployer/init killed', { timeoutMs: 280_000 });
const first = buildId(1);
const preload = `--require=${join(repository, 'test/deployer/init/kill-at.cjs')}`;

/** Runs the change until its N-th moment. @returns whether it got there; otherwise it came to its own end */
async function killedAt(site: Site, strategy: string, moment: number): Promise<boolean> {
  const words = ['init', site.unit, '--strategy', strategy, '--config', site.config];
  const env = { NODE_OPTIONS: preload, KILL_AT: String(moment) };
  const { code, stderr } = await site.sandbox.cutover(words, { env });
  if (code !== 0) assert.ok(code === null || code === 137, `exit ${code}: ${stderr}`);
  return code !== 0;
}

/** PID 1 finishes what it was told: nobody is without the service, whoever died. */
async function assertServed(site: Site, about: string): Promise<void> {
  await until(`${about}: it serves`, async () => (await whoServes(site))?.build === first);
}

async function assertEnded(site: Site, strategy: string, about: string): Promise<void> {
  const isBehind = strategy !== 'restart';
  assert.equal(await holdersOf(site), isBehind ? ['node', 'systemd'] : ['node'], about);
  assert.is(await stateOf(site, `${site.app}.socket`), isBehind ? 'active' : 'inactive', about);
  assert.not.ok((await readdir(site.sandbox.hostPath(site.state))).includes('strategy-change.json'), about);
  await assertSound(site, first);
}

/** Kills the way from one strategy to another at each of its moments; the next call, this way or back, ends it. */
async function sweep(t: TestContext, from: string, to: string): Promise<number> {
  const site = await makeSite(t);
  const own = await everything(site);
  if (from !== 'restart') assert.is((await change(site, from)).code, 0);
  const before = await everything(site);
  for (let moment = 1; ; moment += 1) {
    const about = `${from} to ${to}, killed at moment ${moment}`;
    if (!(await killedAt(site, to, moment))) {
      assert.is((await change(site, 'restart')).code, 0);
      assert.is(await everything(site), own, 'after all');
      return moment - 1;
    }
    await assertServed(site, about);
    const isOnward = moment % 2 === 1;
    const called = await change(site, isOnward ? to : from);
    assert.is(called.code, 0, `${about}: ${called.stderr}`);
    await assertEnded(site, isOnward ? to : from, about);
    assert.equal(await badFindings(site), [], about);
    if (isOnward) assert.is((await change(site, from)).code, 0, about);
    assert.is(await everything(site), before, about);
  }
}

for (const [from, to] of [
  ['restart', 'overlap'],
  ['overlap', 'restart'],
] as const) {
  test(`killed at every moment, from ${from} to ${to}: it serves on, and the next call brings it to an end`, async (t) => {
    const moments = await sweep(t, from, to);
    assert.ok(moments >= 9, `${moments} moments`);
  });
}

test('a deploy, a rollback and a settle after a killed change end it first', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}] });
  const own = await everything(site);
  // The lines beside the unit are written, and systemd has read them: a restart would bring the socket along.
  assert.ok(await killedAt(site, 'socket', 5));
  const cutOff = await everything(site);
  const dry = await change(site, 'socket', '--dry-run');
  assert.match(dry.document.notes.join(), 'was cut off; it would be taken back first');
  assert.is(await everything(site), cutOff);
  const settled = await site.call('settle');
  assert.is(settled.code, 0, settled.stderr);
  assert.equal([settled.document.outcome, settled.document.run], ['unchanged', null]);
  const ended = `a change of ${site.unit} from strategy "restart" to "socket" had been cut off, and was taken back first`;
  assert.is(settled.document.ended_first, ended);
  assert.is(await everything(site), own);
  assert.ok(await killedAt(site, 'socket', 6));
  const called = await site.call('deploy');
  assert.equal([called.code, called.document.active], [0, buildId(2)], called.stderr);
  assert.is(await everything(site), own);
  await assertSound(site, buildId(2), called);
});

test('S3: what the service logged before the change is no reason to call it bad after a way back without a restart', async (t) => {
  const site = await makeSite(t, { builds: [{ mode: 'log_errors' }], isDeployed: false });
  await site.configure({ tables: { limits: ['journal_errors = -1'] } });
  assert.is((await site.call('deploy')).code, 0);
  const { sandbox, unit } = site;
  const logged = ['journalctl', '--unit', unit, '--priority=err', '--output=cat', '--quiet'] as const;
  await until('its errors are in the journal', async () => (await sandbox.run(...logged)).includes('error 3 again'));
  await site.configure({});
  const own = await everything(site);
  assert.ok(await killedAt(site, 'socket', 5));
  const settled = await site.call('settle');
  assert.equal([settled.code, settled.document.outcome], [0, 'unchanged'], settled.stderr);
  assert.match(settled.document.ended_first ?? '', /taken back first$/);
  assert.is(await everything(site), own);
  await assertEnded(site, 'restart', 'taken back');
});

test('S8: the build breaks while a change is cut off: the emergency rollback works all the same', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}] });
  const own = await everything(site);
  assert.is((await site.call('deploy')).code, 0);
  assert.ok(await killedAt(site, 'socket', 6));
  await breakBuild(site, buildId(2));
  await site.sandbox.run('systemctl', 'kill', '--signal=KILL', site.unit);
  const called = await site.call('rollback');
  assert.equal([called.code, called.document.active], [0, first], called.stderr);
  assert.match(called.stderr, 'had been cut off, and was taken back first; but ');
  assert.is(await everything(site), own);
  await assertEnded(site, 'restart', 'rolled back');
});

test('interrupted: after the restart it is taken back, before the first file nothing was changed', async (t) => {
  const site = await makeSite(t, { tables: held.tables });
  await breakBuild(site, first, 'held');
  const own = await everything(site);
  const words = ['init', site.unit, '--strategy', 'socket', '--config', site.config];
  const child = await site.sandbox.startCutover(words);
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (said += chunk));
  child.stdout.resume();
  const isOpen = async (): Promise<boolean> => (await stateOf(site, `${site.app}.socket`)) === 'active';
  await until('the socket is open', isOpen);
  child.kill('SIGTERM');
  await until('the way back has begun', async () => !(await isOpen()));
  await letGo(site);
  assert.is((await child.ended).code, 4, said);
  assert.match(said, 'interrupted by SIGTERM; it serves on a port of its own again, as before');
  assert.is(await everything(site), own);
  await assertEnded(site, 'restart', 'interrupted');
});

test('a power cut while the unit is on its way: the machine comes back serving, and the next call ends it', async (t) => {
  const site = await makeSite(t);
  const own = await everything(site);
  await site.sandbox.run('systemctl', 'enable', site.unit);
  t.cleanup(() => site.sandbox.exec(['systemctl', 'disable', site.unit]));
  assert.ok(await killedAt(site, 'socket', 6));
  await site.sandbox.reboot();
  await assertServed(site, 'after the boot');
  assert.is((await change(site, 'socket')).code, 0);
  await assertEnded(site, 'socket', 'after the boot');
  await site.sandbox.reboot();
  await assertServed(site, 'after another boot');
  assert.equal(await holdersOf(site), ['node', 'systemd']);
  assert.is((await change(site, 'restart')).code, 0);
  await site.sandbox.reboot();
  await assertServed(site, 'after the last boot');
  await site.sandbox.run('systemctl', 'disable', site.unit);
  assert.is(await everything(site), own);
});
