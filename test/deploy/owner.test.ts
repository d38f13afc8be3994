// needs: sandbox
// deadline: 10min
import { readFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { suite } from '../suite.ts';
import { configureHooks } from './hooking.ts';
import { clearAfter, init } from './initiating.ts';
import { assertOwned, deployingUser } from './plain-user.ts';
import { held, leaveBehind, startDeploy, untilBegun, untilSettled } from './running.ts';
import { buildId, calledFrom, makeSite, type Refusal } from './site.ts';
import { assertSound } from './sound.ts';

const test = suite("deploy/root on another user's state", { timeoutMs: 90_000 });
const [first, second, third] = [buildId(1), buildId(2), buildId(3)];

test('S8: what root types is done as the user whose state it is, who goes on afterwards', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}, { mode: 'crash' }] });
  const user = await deployingUser(t, site);
  const called = await site.call('deploy', [second]);
  assert.equal([called.code, called.document.active], [0, second], called.stderr);
  assert.not.match(called.stderr, 'does not guard');
  const failed = await site.call('deploy', [third]);
  assert.equal([failed.code, failed.document.active], [4, second], failed.stderr);
  assert.is((await site.call('prune')).code, 0);
  await assertOwned(site, user.name);
  const back = calledFrom(await user.sandbox.cutover(user.words('rollback')));
  assert.equal([back.code, back.document.active], [0, first], back.stderr);
  const again = await site.call('rollback', [second]);
  assert.equal([again.code, again.document.active], [0, second], again.stderr);
  await assertSound(site, second, again);
  await assertOwned(site, user.name);
});

test('S8: root is killed in the middle of it: the manager of that user ends the run', async (t) => {
  const site = await makeSite(t, held);
  const user = await deployingUser(t, site);
  const run = await startDeploy(site);
  await untilBegun(site, 'start');
  run.child.kill('SIGKILL');
  await untilSettled(site);
  await assertSound(site, first);
  await assertOwned(site, user.name);
});

test('W4: a hook of a run that root settles has the rights of whoever wrote the ledger', async (t) => {
  const site = await makeSite(t, held);
  const user = await deployingUser(t, site);
  await configureHooks(site, { rolled_back: `id -un >${site.builds}/.incoming-who` });
  await leaveBehind({ ...site, sandbox: user.sandbox });
  const who = `${site.builds}/.incoming-who`;
  t.cleanup(() => site.sandbox.run('rm', '-f', who));
  const settled = await site.sandbox.cutover(['settle', '--state-directory', site.state, '--wait=30s']);
  assert.is(settled.code, 0, settled.stderr);
  assert.is((await readFile(site.sandbox.hostPath(who), 'utf8')).trim(), user.name);
  await site.sandbox.run('rm', who);
  await assertSound(site, first);
  await assertOwned(site, user.name);
});

test('W4: a lock that is a link leads nobody anywhere', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}] });
  const { sandbox, state } = site;
  await sandbox.run('sh', '-c', `echo precious >/srv/precious && ln -sf /srv/precious ${state}/lock`);
  const { code, document } = await site.call<Refusal>('deploy');
  assert.equal([code, document.error?.code], [77, 'permission']);
  assert.match(document.error.message, `cannot open ${state}/lock: it is a link`);
  assert.is(await sandbox.run('cat', '/srv/precious'), 'precious');
  await sandbox.run('rm', `${state}/lock`);
  assert.is((await site.call('deploy')).code, 0);
  await assertSound(site, second);
});

test('S8: the power goes: the boot puts the proven build back as the user whose state it is', async (t) => {
  const site = await makeSite(t, held);
  const { sandbox, unit } = site;
  clearAfter(t, sandbox);
  const user = await deployingUser(t, site);
  const { code, stderr } = await init(sandbox, '--install', '--deploy-user', user.name, '--config', site.config);
  assert.is(code, 0, stderr);
  await sandbox.run('systemctl', 'enable', unit);
  await startDeploy({ ...site, sandbox: user.sandbox });
  await untilBegun(site, 'start');
  await sandbox.reboot();
  await untilSettled(site);
  await assertSound(site, first);
  const { outcome, active } = (await site.call('report')).document;
  assert.equal([outcome, active], ['rolled_back', first]);
  await assertOwned(site, user.name);
});
