// needs: sandbox
import { readFile, writeFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { suite } from '../suite.ts';
import { configureHooks, logOf, program, record, seen, siteWith } from './hooking.ts';
import { startDeploy, untilBegun } from './running.ts';
import { breakBuild, buildId, makeSite, until } from './site.ts';
import { makeOverlapSite, makeSocketSite } from './socket-site.ts';
import { assertSound, whoServes } from './sound.ts';

const test = suite('deploy/hooks and outcomes');
const [first, second] = [buildId(1), buildId(2)];
const strategies = [
  { strategy: 'restart', make: makeSite },
  { strategy: 'socket', make: makeSocketSite },
  { strategy: 'overlap', make: makeOverlapSite },
] as const;

for (const { strategy, make } of strategies) {
  const keys = [`strategy = "${strategy}"`];

  test(`P1, B3: ${strategy}: a migration that fails, its fallback too, brings the build before back: exit 4`, async (t) => {
    const site = await siteWith(
      t,
      () => ({ migrate: { run: 'echo no such table; exit 3', fallback: 'echo nor a baseline; exit 4' } }),
      { make, keys },
    );
    const called = await site.call('deploy');
    const { outcome, active, failure, steps } = called.document;
    assert.equal([called.code, outcome, active], [4, 'rolled_back', first], called.stderr);
    assert.equal([failure?.step, failure?.reason], ['migrate', 'hook']);
    assert.match(failure?.message ?? '', /exited with 4: nor a baseline; .* before it .*exited with 3: no such table/);
    assert.not.ok(steps.some(({ name }) => name === 'start' || name === 'stand-in' || name === 'restart'));
    await assertSound(site, first, called);
    assert.is((await site.call('deploy')).document.to, first, 'the build is in quarantine');
  });

  test(`P1, P7: ${strategy}: a smoke test that fails brings the build before back, by its gate alone: exit 4`, async (t) => {
    const site = await siteWith(
      t,
      (own) => ({ smoke: ['true', `${record(own, 'smoke')}; echo /login says 500; exit 22`] }),
      {
        make,
        keys,
      },
    );
    const called = await site.call('deploy');
    const { outcome, active, failure } = called.document;
    assert.equal([called.code, outcome, active], [4, 'rolled_back', first], called.stderr);
    assert.equal([failure?.step, failure?.reason], ['smoke', 'hook']);
    assert.match(failure?.message ?? '', 'exited with 22: /login says 500');
    assert.equal(await seen(site), ['smoke'], 'the build before is not tested');
    await assertSound(site, first, called);
  });
}

test('P7: overlap: while the candidate is tested, its stand-in still serves', async (t) => {
  const site = await siteWith(
    t,
    (own) => ({ smoke: `systemctl is-active ${own.app}-next@${second}.service >>${own.folder}/seen` }),
    { make: makeOverlapSite, keys: ['strategy = "overlap"'] },
  );
  const called = await site.call('deploy');
  assert.is(called.code, 0, called.stderr);
  assert.equal(await seen(site), ['active']);
  assert.equal(
    called.document.steps.slice(-2).map(({ name }) => name),
    ['smoke', 'retire'],
  );
  await assertSound(site, second, called);
});

test('B3: a migration that fails is done by its fallback: the deploy goes on', async (t) => {
  const site = await siteWith(t, (own) => ({
    migrate: { run: 'echo no such table; exit 3', fallback: ['/bin/sh', '-c', record(own, 'baseline')] },
  }));
  const called = await site.call('deploy');
  assert.equal([called.code, called.document.outcome], [0, 'deployed'], called.stderr);
  assert.equal(await seen(site), ['baseline']);
  assert.match(called.stderr, /migrate: .*exited with 3: no such table; what it falls back to is run/);
  await assertSound(site, second, called);
});

test('P4: the hook of the outcome runs, alone, and is told it; nothing that it does changes the outcome', async (t) => {
  const site = await siteWith(t, () => ({}));
  const told = (name: string): string => `${record(site, name)}; echo and fails; exit 1`;
  const names = ['deployed', 'rolled_back', 'failed'];
  await configureHooks(site, { ...Object.fromEntries(names.map((name) => [name, told(name)])), smoke: 'exit 1' });
  const back = await site.call('deploy');
  assert.equal([back.code, back.document.outcome], [4, 'rolled_back'], back.stderr);
  await configureHooks(site, Object.fromEntries(names.map((name) => [name, told(name)])));
  const good = await site.call('deploy', [second]);
  assert.equal([good.code, good.document.outcome], [0, 'deployed'], good.stderr);
  assert.match(good.stderr, /note: the hook deployed failed, which changes nothing: .*exited with 1: and fails/);
  assert.match(await logOf(site, good.document.run), '    | and fails');
  const same = await site.call('deploy');
  assert.is(same.document.outcome, 'unchanged');
  await breakBuild(site, second);
  const crash = await site.add({ mode: 'crash' });
  const bad = await site.call('deploy', [crash]);
  assert.equal([bad.code, bad.document.outcome], [3, 'failed'], bad.stderr);
  const lines = await seen(site, { whole: true });
  assert.equal(lines, [
    `rolled_back run=${back.document.run} build=${second} current=${first} previous=${first} outcome=rolled_back`,
    `deployed run=${good.document.run} build=${second} current=${second} previous=${first} outcome=deployed`,
    `failed run=${bad.document.run} build=${crash} current=${second} previous=${second} outcome=failed`,
  ]);
});

test('P4: a hook that hangs after the outcome is ended, and holds up no other run meanwhile', async (t) => {
  const site = await siteWith(t, () => ({ deployed: { run: 'echo waiting; sleep 300', timeout: '6s' } }));
  const run = await startDeploy(site);
  await run.hasSaid('waiting');
  await configureHooks(site, {});
  const rollback = await site.call('rollback');
  assert.equal([rollback.code, rollback.document.active], [0, first], rollback.stderr);
  assert.not.match(rollback.stderr, 'does not guard');
  const called = await run.end();
  assert.equal([called.code, called.document.outcome], [0, 'deployed'], called.stderr);
  assert.match(called.stderr, /hook deployed failed, which changes nothing: .*was not over after 6 s/);
  await assertSound(site, first, rollback);
});

test('P1: an interruption while a stage goes on ends it with all it started: exit 130, nothing has changed', async (t) => {
  const site = await siteWith(t, () => ({}));
  const script = await program(site, 'endless', `(setsid sleep 4711 &) ; echo started; sleep 4712`);
  await configureHooks(site, { test: [script], deployed: record(site, 'deployed'), failed: record(site, 'failed') });
  const run = await startDeploy(site);
  await run.hasSaid('started');
  run.child.kill('SIGINT');
  const { code, stderr } = await run.end();
  assert.is(code, 130, stderr);
  assert.equal(await seen(site), []);
  assert.is((await site.sandbox.exec(['pgrep', '-f', 'sleep 471[12]'])).code, 1, 'a process is left');
  await assertSound(site, first);
});

test('P1: an interruption while the database is migrated ends that and brings the build before back: exit 4', async (t) => {
  const site = await siteWith(t, (own) => ({
    migrate: `(setsid sleep 4713 &) ; echo started; sleep 4714`,
    rolled_back: record(own, 'rolled_back'),
  }));
  const run = await startDeploy(site);
  await untilBegun(site, 'migrate');
  await run.hasSaid('started');
  run.child.kill('SIGTERM');
  const called = await run.end();
  const { outcome, failure } = called.document;
  assert.equal([called.code, outcome, failure?.step, failure?.reason], [4, 'rolled_back', 'migrate', 'interrupted']);
  assert.is((await site.sandbox.exec(['pgrep', '-f', 'sleep 471[34]'])).code, 1, 'a process is left');
  assert.equal(await seen(site), ['rolled_back']);
  await assertSound(site, first, called);
  assert.is((await whoServes(site))?.build, first);
});

test('P1: the lock is held while a stage goes on', async (t) => {
  const site = await siteWith(t, ({ folder }) => ({
    test: `echo started; until [ -e ${folder}/go-on ]; do sleep 0.0417; done`,
  }));
  const run = await startDeploy(site);
  await run.hasSaid('started');
  const other = await site.call('deploy');
  assert.is(other.code, 75, other.stderr);
  await writeFile(site.sandbox.hostPath(`${site.folder}/go-on`), '');
  assert.is((await run.end()).code, 0);
  const text = await readFile(site.sandbox.hostPath(`${site.state}/lock`), 'utf8');
  assert.match(text, 'deploy');
  await until('its hooks are gone', async () => (await site.sandbox.exec(['pgrep', '-f', 'sleep 0.0417'])).code === 1);
});
