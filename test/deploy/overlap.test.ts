// needs: sandbox
import * as assert from 'uvu/assert';
import { suite } from '../suite.ts';
import { startLoad } from './load.ts';
import { startDeploy, untilBegun, untilSettled } from './running.ts';
import { buildId, type Site } from './site.ts';
import { makeOverlapSite } from './socket-site.ts';
import { assertSound, whoServes } from './sound.ts';
import { killUnderLoad, rollBackUnderLoad } from './under-load.ts';

const test = suite('deploy/overlap');
const [first, second] = [buildId(1), buildId(2)];

test('a good build comes up beside the old one: nobody waits, nothing fails', async (t) => {
  const site = await makeOverlapSite(t, { builds: [{}], tables: { start: ['timeout = "60s"'] } });
  await site.add({ startMs: 10_000 });
  const load = await startLoad(t, site);
  const called = await site.call('deploy');
  const { failed, longestMs } = await load.end();
  assert.equal([called.code, called.document.active], [0, second], called.stderr);
  assert.equal(
    called.document.steps.map(({ name, status }) => `${name} ${status}`),
    ['stand-in done', 'swap done', 'restart done', 'gate done', 'retire done'],
  );
  assert.equal([called.document.downtime_ms, failed], [0, []]);
  assert.ok((called.document.longest_wait_ms ?? 10_000) < 8_000, `${called.document.longest_wait_ms} ms`);
  assert.ok(longestMs < 8_000, `somebody waited ${longestMs} ms for a build that takes 10 s to start`);
  await assertNoStandIn(site);
  await assertSound(site, second, called);
});

for (const [what, behaviour, reason] of [
  ['crashes at its start', { mode: 'crash' }, 'exited'],
  ['crashes after a while', { mode: 'crash_later', afterMs: 200 }, 'exited'],
  ['logs errors', { mode: 'log_errors' }, 'journal'],
] as const) {
  test(`S4: a build that ${what} costs the stand-in alone: the old one never stopped`, async (t) => {
    const site = await makeOverlapSite(t, { builds: [{}] });
    // Journald takes in what a build writes a moment later.
    const healthy = `healthy_for = "${reason === 'journal' ? '5s' : '2s'}"`;
    await site.configure({ keys: ['strategy = "overlap"'], tables: { health: [healthy] } });
    await site.add(behaviour);
    const before = await whoServes(site);
    const load = await startLoad(t, site);
    const called = await site.call('deploy');
    const { failed } = await load.end();
    const { outcome, active, failure } = called.document;
    assert.equal(
      [called.code, outcome, active, failure?.step, failure?.reason],
      [4, 'rolled_back', first, 'stand-in', reason],
      called.stderr,
    );
    assert.equal(await whoServes(site), before, 'the same process serves');
    if (reason !== 'journal')
      assert.match(called.stderr, behaviour.mode === 'crash' ? 'exited with status 1' : 'exited');
    assert.equal(
      failed.filter((problem) => problem !== 'ECONNRESET'),
      [],
    );
    await assertNoStandIn(site);
    await assertSound(site, first, called);
  });
}

test('S4: what the old build logged before the deploy does not speak against it on the way back', async (t) => {
  const site = await makeOverlapSite(t, {
    builds: [{ mode: 'log_errors' }],
    tables: { limits: ['journal_errors = -1'] },
  });
  await site.configure({ keys: ['strategy = "overlap"'] });
  await site.sandbox.run('journalctl', '--sync');
  await site.add({ mode: 'crash' });
  const called = await site.call('deploy');
  assert.equal([called.code, called.document.failure?.step], [4, 'stand-in'], called.stderr);
  await assertSound(site, first, called);
});

test('S5: a stand-in that does not end in its time is killed: the build that was proven stays', async (t) => {
  const site = await makeOverlapSite(t, {
    builds: [{}],
    service: ['TimeoutStopSec=1s'],
    tables: { stop: ['timeout = "1s"'] },
  });
  await site.add({ mode: 'ignore_sigterm' });
  const called = await site.call('deploy');
  assert.equal([called.code, called.document.active], [0, second], called.stderr);
  await assertNoStandIn(site);
  await assertSound(site, second, called);
});

test('S8: a rollback with a stand-in drops nothing either', async (t) => {
  await assertNoStandIn(await rollBackUnderLoad(t, makeOverlapSite));
});

for (const step of ['stand-in', 'swap', 'restart', 'gate']) {
  test(`S8: the deployer is killed at ${step}, with a stand-in: the old build serves, no stand-in is left`, async (t) => {
    await assertNoStandIn(await killUnderLoad(t, makeOverlapSite, step));
  });
}

async function assertNoStandIn({ sandbox, app }: Site): Promise<void> {
  const list = ['systemctl', 'list-units', `${app}-next@*`, '--all', '--plain', '--no-legend'] as const;
  assert.is(await sandbox.run(...list), '', 'a stand-in is left');
}

test('a deployer killed while the old build ends what it answers: the stand-in serves until the unit is up again', async (t) => {
  const site = await makeOverlapSite(t, { builds: [{}], service: ['TimeoutStopSec=30s'] });
  await site.add();
  const ask = `fetch('http://127.0.0.1:${site.port}/slow?ms=12000').then((r) => r.text()).then(console.log, console.log)`;
  const slow = await site.sandbox.spawn([process.execPath, '-e', ask]);
  slow.stdout.resume();
  const load = await startLoad(t, site);
  const deploying = await startDeploy(site);
  await untilBegun(site, 'restart');
  deploying.child.kill('SIGKILL');
  await deploying.child.ended;
  await untilSettled(site);
  await slow.ended;
  const { failed, longestMs } = await load.end();
  assert.equal(failed, []);
  assert.ok(longestMs < 10_000, `somebody waited ${longestMs} ms`);
  await assertNoStandIn(site);
  await assertSound(site, first);
});

test('a build that the gate finds bad: while the unit goes back, everybody waits for it, and nobody is answered by the stand-in', async (t) => {
  // The probe after the way back waits for as long as the build before starts.
  const site = await makeOverlapSite(t, { builds: [{ startMs: 3000 }], tables: { health: ['timeout = "8s"'] } });
  await site.add({ mode: 'status' });
  const load = await startLoad(t, site);
  const called = await site.call('deploy');
  const { failedAt } = await load.end();
  assert.equal([called.code, called.document.failure?.step], [4, 'gate'], called.stderr);
  // The bad build answers in the unit until its process ends there.
  const ended = ['systemctl', 'show', '--property=InactiveEnterTimestampMonotonic', '--value', site.unit] as const;
  const endedAt = Number(await site.sandbox.run(...ended)) / 1000;
  assert.ok(endedAt > 0, 'the unit was restarted');
  assert.equal(
    failedAt.filter((at) => at > endedAt),
    [],
  );
  await assertNoStandIn(site);
  await assertSound(site, first, called);
});
