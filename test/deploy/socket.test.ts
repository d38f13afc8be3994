// needs: sandbox
import * as assert from 'uvu/assert';
import { suite } from '../suite.ts';
import { startLoad } from './load.ts';
import { buildId } from './site.ts';
import { makeSocketSite } from './socket-site.ts';
import { assertSound } from './sound.ts';
import { killUnderLoad, rollBackUnderLoad } from './under-load.ts';

const test = suite('deploy/socket');
const [first, second] = [buildId(1), buildId(2)];

test('a good build behind a socket: no request fails, and the port is never closed', async (t) => {
  const site = await makeSocketSite(t, { builds: [{}] });
  await site.add({ startMs: 2_000 });
  const load = await startLoad(t, site);
  const called = await site.call('deploy');
  const { sent, failed } = await load.end();
  assert.equal([called.code, called.document.active, called.document.strategy], [0, second, 'socket'], called.stderr);
  assert.equal(
    called.document.steps.map(({ name, status }) => `${name} ${status}`),
    ['swap done', 'restart done', 'gate done'],
  );
  assert.is(called.document.downtime_ms, 0);
  const wait = called.document.longest_wait_ms ?? 0;
  assert.ok(wait >= 300, `a build that takes 2 s to start makes somebody wait, not ${wait} ms`);
  assert.match(called.stderr, /the port was never closed; nobody waited longer than/);
  assert.ok(sent > 40, `only ${sent} requests`);
  assert.equal(failed, []);
  await site.sandbox.run('systemctl', 'is-active', site.socket);
  await assertSound(site, second, called);
});

for (const [what, behaviour] of Object.entries({
  'crashes at its start': { mode: 'crash' },
  'crashes when it should listen': { mode: 'crash', startMs: 150 },
  'exits at once with status 0': { mode: 'exit0' },
} as const)) {
  test(`S4: a build that ${what}, behind a socket: the old one is back, and no request fails`, async (t) => {
    const site = await makeSocketSite(t, { builds: [{}] });
    await site.add(behaviour);
    const load = await startLoad(t, site);
    const called = await site.call('deploy');
    const { failed } = await load.end();
    const { outcome, active } = called.document;
    assert.equal([called.code, outcome, active], [4, 'rolled_back', first], called.stderr);
    assert.equal(failed, []);
    await site.sandbox.run('systemctl', 'is-active', site.socket);
    await assertSound(site, first, called);
  });
}

test('S4: a build whose health says no, behind a socket: the old one is back', async (t) => {
  const site = await makeSocketSite(t, { builds: [{}] });
  await site.add({ mode: 'status' });
  const called = await site.call('deploy');
  const { outcome, active, failure } = called.document;
  assert.equal([called.code, outcome, active, failure?.reason], [4, 'rolled_back', first, 'health'], called.stderr);
  await assertSound(site, first, called);
});

test('S2: a build that takes long to start, behind a socket: it is waited for, since nobody is refused meanwhile', async (t) => {
  const site = await makeSocketSite(t, { builds: [{}], tables: { start: ['timeout = "60s"'] } });
  await site.add({ startMs: 5_000 });
  const called = await site.call('deploy');
  assert.equal([called.code, called.document.active], [0, second], called.stderr);
  await assertSound(site, second, called);
});

test('S4: a build that listens and never answers, behind a socket: waited for as long as a start may take, then back', async (t) => {
  const tables = { start: ['timeout = "3s"'], health: ['timeout = "1s"'] };
  const site = await makeSocketSite(t, { builds: [{}], tables });
  await site.add({ mode: 'hang' });
  const called = await site.call('deploy');
  const { outcome, active, failure } = called.document;
  assert.equal([called.code, outcome, active, failure?.reason], [4, 'rolled_back', first, 'health'], called.stderr);
  assert.match(failure?.message ?? '', 'no answer within 1 s');
  await assertSound(site, first, called);
});

test('S8: a rollback behind a socket drops nothing either', async (t) => {
  await rollBackUnderLoad(t, makeSocketSite);
});

for (const step of ['swap', 'restart', 'gate']) {
  test(`S8: the deployer is killed at ${step}, behind a socket: the old build serves, and no request fails`, async (t) => {
    await killUnderLoad(t, makeSocketSite, step);
  });
}

test('S1: the socket was closed: it is opened again', async (t) => {
  const site = await makeSocketSite(t, { builds: [{}] });
  await site.add();
  await site.sandbox.run('systemctl', 'stop', '--no-block', site.socket);
  await site.sandbox.exec(['systemctl', 'stop', site.unit]);
  const called = await site.call('deploy', ['--fix-forward']);
  assert.equal([called.code, called.document.active], [0, second], called.stderr);
  await site.sandbox.run('systemctl', 'is-active', site.socket);
  await assertSound(site, second, called);
});
