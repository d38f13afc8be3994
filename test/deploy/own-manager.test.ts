// needs: sandbox
import * as assert from 'uvu/assert';
import { suite } from '../suite.ts';
import { assertOwned, deployingUser } from './plain-user.ts';
import { held, heldSite, letGo, untilBegun, untilSettled } from './running.ts';
import { buildId, calledFrom, executable, makeSite, type Refusal, until } from './site.ts';
import { assertSound, whoServes } from './sound.ts';

const test = suite("deploy/a plain user on the system's manager");
const [first, second] = [buildId(1), buildId(2)];

test('S8: their own manager guards the run: the deployer is killed, and the old build is back by itself', async (t) => {
  const site = await heldSite(t);
  const user = await deployingUser(t, site);
  const words = [executable('cutover'), 'deploy', 'production', '--config', site.config];
  const child = await user.sandbox.spawn([process.execPath, ...words]);
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += String(chunk)));
  await untilBegun(site, 'start');
  child.kill('SIGKILL');
  await untilSettled(site);
  assert.not.match(said, 'does not guard');
  assert.is((await whoServes(site))?.build, first);
  await assertSound(site, first);
  const { outcome, active } = (await site.call('report')).document;
  assert.equal([outcome, active], ['rolled_back', first]);
});

test('S2: a deploy of theirs that goes well leaves nothing in their manager', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}] });
  const user = await deployingUser(t, site);
  const result = await user.sandbox.cutover(['deploy', 'production', '--json', '--config', site.config]);
  const { code, document } = calledFrom(result);
  assert.equal([code, document.active], [0, second], result.stderr);
  const list = ['systemctl', 'list-units', 'cutover*', '--all', '--plain', '--no-legend'] as const;
  await until('nothing is left', async () => (await user.sandbox.run(...list)) === '');
  await assertSound(site, second);
});

test('S8: without a manager of their own the lock alone guards: a second one is refused, and the next command ends what a dead one left', async (t) => {
  const site = await makeSite(t, held);
  const user = await deployingUser(t, site);
  const alone = { env: { XDG_RUNTIME_DIR: '/run/nowhere' } };
  const child = await user.sandbox.startCutover(user.words('deploy'), alone);
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += String(chunk)));
  await untilBegun(site, 'start');
  assert.match(said, 'does not guard this run, so keep the terminal open');
  assert.match(said, 'sudo loginctl enable-linger deployer');
  for (const command of ['deploy', 'rollback', 'settle']) {
    const refused = calledFrom<Refusal>(await user.sandbox.cutover(user.words(command), alone));
    assert.equal([refused.code, refused.document.error?.code], [75, 'locked'], refused.stderr);
    assert.match(refused.document.error.message, 'user deployer, since ');
  }
  child.kill('SIGKILL');
  await child.ended;
  await letGo(site);
  const next = calledFrom(await user.sandbox.cutover(user.words('deploy'), alone));
  assert.equal([next.code, next.document.from, next.document.active], [0, first, second], next.stderr);
  assert.match(next.stderr, 'had been cut off and was ended first: rolled_back');
  await assertSound(site, second);
  await assertOwned(site, user.name);
});

test('S4: without a manager of their own: a bad build, and back', async (t) => {
  const site = await makeSite(t, { builds: [{}, { mode: 'crash' }] });
  const user = await deployingUser(t, site);
  const env = { XDG_RUNTIME_DIR: '/run/nowhere' };
  const called = calledFrom(await user.sandbox.cutover(user.words('deploy'), { env }));
  assert.equal(
    [called.code, called.document.outcome, called.document.active],
    [4, 'rolled_back', first],
    called.stderr,
  );
  await assertSound(site, first);
});
