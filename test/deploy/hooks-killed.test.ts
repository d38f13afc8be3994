// needs: sandbox
import * as assert from 'uvu/assert';
import { suite } from '../suite.ts';
import { configureHooks, lastBeat, record, seen, siteWith, stubborn } from './hooking.ts';
import { startDeploy, untilBegun, untilSettled } from './running.ts';
import { deployingUser } from './plain-user.ts';
import { buildId, executable, makeSite, type Site, until } from './site.ts';
import { makeOverlapSite, makeSocketSite } from './socket-site.ts';
import { assertNothingLeft, assertSound } from './sound.ts';

const test = suite('deploy/hooks whose deployer is killed', { timeoutMs: 120_000 });
const [first, second] = [buildId(1), buildId(2)];

async function untilBeating(site: Site): Promise<void> {
  await until('the hook is at work', async () => (await lastBeat(site)) > 0);
}

async function assertEnded(site: Site): Promise<void> {
  const last = await lastBeat(site);
  await site.sandbox.run('sleep', '0.5');
  assert.is(await lastBeat(site), last, 'the hook goes on');
}

/** When the unit's process was started, in seconds since the boot. */
async function startedAt({ sandbox, unit }: Site): Promise<number> {
  const show = ['systemctl', 'show', '--property=ExecMainStartTimestampMonotonic', '--value', unit] as const;
  return Number(await sandbox.run(...show)) / 1e6;
}

for (const stage of ['fetch', 'test', 'build']) {
  test(`P1, S8: during ${stage}: what it left is ended by systemd, and the next deploy goes well`, async (t) => {
    const site = await siteWith(t, (own) => ({ [stage]: `${stubborn(own)}; sleep 300` }));
    const run = await startDeploy(site);
    await untilBeating(site);
    run.child.kill('SIGKILL');
    await run.child.ended;
    await until('the hook is ended', async () => {
      const last = await lastBeat(site);
      await site.sandbox.run('sleep', '0.3');
      return last === (await lastBeat(site));
    });
    await assertNothingLeft(site);
    await assertSound(site, first);
    await configureHooks(site, {});
    const called = await site.call('deploy');
    assert.equal([called.code, called.document.active], [0, second], called.stderr);
  });
}

test('P1, S8: during test: the next deploy begins when what was left has ended', async (t) => {
  const site = await siteWith(t, (own) => ({ test: `${stubborn(own)}; sleep 300` }));
  const run = await startDeploy(site);
  await untilBeating(site);
  run.child.kill('SIGKILL');
  await run.child.ended;
  await configureHooks(site, { test: `cat /proc/uptime >>${site.folder}/seen` });
  const called = await site.call('deploy');
  assert.is(called.code, 0, called.stderr);
  const [began] = await seen(site);
  assert.ok(Number(began) > (await lastBeat(site)), 'two at once');
  await assertSound(site, second, called);
});

for (const { strategy, make } of [
  { strategy: 'restart', make: makeSite },
  { strategy: 'socket', make: makeSocketSite },
  { strategy: 'overlap', make: makeOverlapSite },
] as const) {
  test(`P1, S8: ${strategy}: during migrate: it is ended before the build before comes back`, async (t) => {
    const keys = [`strategy = "${strategy}"`];
    const site = await siteWith(
      t,
      (own) => ({ migrate: `${stubborn(own)}; sleep 300`, rolled_back: record(own, 'rolled_back') }),
      {
        make,
        keys,
      },
    );
    const run = await startDeploy(site);
    await untilBegun(site, 'migrate');
    await untilBeating(site);
    run.child.kill('SIGKILL');
    await untilSettled(site);
    const last = await lastBeat(site);
    await until('the outcome is told', async () => (await seen(site)).length > 0);
    await assertSound(site, first);
    await assertEnded(site);
    if (strategy === 'restart') assert.ok((await startedAt(site)) + 0.02 > last, 'it was still at work');
    const { outcome, failure } = (await site.call('report')).document;
    assert.equal([outcome, failure?.step, failure?.reason], ['rolled_back', 'migrate', 'interrupted']);
    const [told] = await seen(site, { whole: true });
    assert.match(told ?? '', `build=${second} current=${first} previous=${first} outcome=rolled_back`);
  });
}

test('P1, S8: during smoke: it is ended, and the build before comes back', async (t) => {
  const site = await siteWith(t, (own) => ({ smoke: `${stubborn(own)}; sleep 300` }));
  const run = await startDeploy(site);
  await untilBegun(site, 'smoke');
  await untilBeating(site);
  run.child.kill('SIGKILL');
  await untilSettled(site);
  await assertSound(site, first);
  await assertEnded(site);
  const { outcome, failure } = (await site.call('report')).document;
  assert.equal([outcome, failure?.step], ['rolled_back', 'smoke']);
});

test('P1, S8: after the outcome: it stays, and nothing is left', async (t) => {
  const site = await siteWith(t, (own) => ({ deployed: `${stubborn(own)}; sleep 300` }));
  const run = await startDeploy(site);
  await untilBeating(site);
  run.child.kill('SIGKILL');
  await run.child.ended;
  await assertNothingLeft(site);
  await assertEnded(site);
  await assertSound(site, second);
  assert.is((await site.call('report')).document.outcome, 'deployed');
});

test('P1, S8: during migrate, and nobody settles: the next rollback ends it first', async (t) => {
  const site = await siteWith(t, (own) => ({
    migrate: `${stubborn(own)}; sleep 300`,
    deployed: record(own, 'deployed'),
  }));
  const child = await site.sandbox.startCutover(['deploy', 'production', '--config', site.config], {
    env: { CUTOVER_IN_SETTLE_UNIT: '1' },
  });
  child.stdout.resume();
  child.stderr.resume();
  await untilBegun(site, 'migrate');
  await untilBeating(site);
  child.kill('SIGKILL');
  await child.ended;
  const called = await site.call('rollback');
  assert.equal([called.code, called.document.active], [0, first], called.stderr);
  assert.match(called.stderr, /note: \d+ processes of a hook that a dead run had left/);
  await assertEnded(site);
  await assertSound(site, first);
  assert.equal(await seen(site), ['deployed'], 'the rollback has what it was for');
});

test('P1, S8: of a user whom the system grants no scope, during migrate: their own manager keeps the hook, and ends it', async (t) => {
  const site = await siteWith(t, () => ({ migrate: `${stubborn({ folder: '/srv/deployer' })}; sleep 300` }));
  const user = await deployingUser(t, site);
  const words = [executable('cutover'), 'deploy', 'production', '--config', site.config];
  const child = await user.sandbox.spawn([process.execPath, ...words]);
  child.stdout.resume();
  child.stderr.resume();
  const beat = { ...site, folder: '/srv/deployer' };
  await untilBegun(site, 'migrate');
  await untilBeating(beat);
  const scopes = ['systemctl', 'list-units', 'cutover.hook*', '--plain', '--no-legend'] as const;
  assert.match(await user.sandbox.run(...scopes), /scope/);
  child.kill('SIGKILL');
  await untilSettled(site);
  await assertEnded(beat);
  await assertSound(site, first);
});
