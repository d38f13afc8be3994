// needs: sandbox
import { readFile, rm, writeFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import type { CheckReport } from '../../lib/deployer/check.ts';
import { suite } from '../suite.ts';
import { neverWell, startDeploy, untilBegun, untilSettled, unwell } from './running.ts';
import { type Called, type Site } from './site.ts';
import { makeOverlapSite, makeSocketSite } from './socket-site.ts';
import { assertSound } from './sound.ts';

const test = suite('deploy/first-behind-socket');
const isStopped = 'there was no proven build to go back to; the unit was stopped, and its socket with it';

for (const [what, make, mode, step, reason] of [
  ['behind a socket: a build that crashes', makeSocketSite, 'crash', null, 'exited'],
  ['behind a socket: a build whose health says no', makeSocketSite, 'status', 'gate', 'health'],
  ['with a stand-in, which crashes', makeOverlapSite, 'crash', 'stand-in', 'exited'],
  ['with a stand-in that comes up, and a build whose health says no', makeOverlapSite, 'status', 'gate', 'health'],
] as const) {
  test(`S4: a first deploy that fails, ${what}: the unit is stopped and nothing starts it, exit 3`, async (t) => {
    const site = await make(t, { builds: [{ mode }], isDeployed: false });
    const called = await site.call('deploy');
    const { outcome, exit_code, from, active, failure } = called.document;
    assert.equal([called.code, exit_code, outcome, from, active], [3, 3, 'failed', null, null], called.stderr);
    assert.is(failure?.reason, reason, called.stderr);
    // One that crashes may do so before its start is over or after it.
    if (step !== null) assert.is(failure?.step, step, called.stderr);
    assert.match(called.stderr, isStopped);
    assert.not.match(called.stderr, 'CHDIR', 'it was started without a build');
    await assertStopped(site, called);
    assert.is((await site.call('status')).code, 0);
    await assertStopped(site, called);
    await assertDeploys(site);
  });
}

for (const [what, make, step] of [
  ['behind a socket: the deployer is killed in the gate', makeSocketSite, 'gate'],
  ['with a stand-in: the deployer is killed while that is proven', makeOverlapSite, 'stand-in'],
  ['with a stand-in: the deployer is killed in the gate', makeOverlapSite, 'gate'],
] as const) {
  test(`S8: a first deploy ${what}: settled, the unit is stopped and nothing starts it`, async (t) => {
    const slow = step === 'stand-in' ? { mode: 'held' as const } : unwell;
    const tables = { ...neverWell.tables, start: ['timeout = "60s"'] };
    const site = await make(t, { builds: [slow], tables, isDeployed: false });
    const deploying = await startDeploy(site);
    await untilBegun(site, step);
    deploying.child.kill('SIGKILL');
    await deploying.child.ended;
    await untilSettled(site);
    await assertStopped(site);
    await assertDeploys(site);
  });
}

test('S2: a first deploy with a stand-in starts the unit only when it has a build, whether the socket was open or not', async (t) => {
  for (const isOpen of [true, false]) {
    const site = await makeOverlapSite(t, { builds: [{}], isDeployed: false });
    if (!isOpen) await site.sandbox.run('systemctl', 'stop', site.socket);
    await assertDeploys(site);
    await site.sandbox.run('journalctl', '--sync');
    const said = await site.sandbox.run('journalctl', '--output=cat', `--unit=${site.unit}`);
    assert.not.match(said, 'CHDIR');
    assert.match(said, `Started ${site.unit}`);
  }
});

test('S1: a socket unit that is closed, and that nothing asks for, is named with what opens it', async (t) => {
  const site = await makeSocketSite(t, { builds: [{ mode: 'crash' }], isDeployed: false });
  const { sandbox, unit, socket } = site;
  const dropIn = sandbox.hostPath(`/etc/systemd/system/${unit}.d/socket.conf`);
  await writeFile(dropIn, (await readFile(dropIn, 'utf8')).replace(/^(Requires|After)=.*$/gm, ''));
  await sandbox.run('systemctl', 'daemon-reload');
  assert.is((await site.call('deploy')).code, 3);
  const good = await site.add();
  const { code, document } = await site.call<CheckReport>('check');
  const port = document.checks.find(({ name }) => name === 'port');
  assert.equal([code, port?.observed, port?.mend], [1, `${socket} is closed`, `systemctl enable --now ${socket}`]);
  await sandbox.run('systemctl', 'start', socket);
  const called = await site.call('deploy');
  assert.equal([called.code, called.document.active], [0, good], called.stderr);
  await rm(sandbox.hostPath(`/etc/systemd/system/${socket}`));
  await sandbox.run('systemctl', 'stop', socket, unit);
  await sandbox.run('systemctl', 'daemon-reload');
  const none = (await site.call<CheckReport>('check')).document.checks.find(({ name }) => name === 'port');
  assert.is(none?.observed, `no socket unit starts ${unit}`);
});

/** What is down, with its socket closed, is not on its way up either. */
async function assertStopped(site: Site, ...calls: Called[]): Promise<void> {
  const { sandbox, app, unit, socket = '' } = site;
  const show = ['systemctl', 'show', '--property=ActiveState', '--value', unit, socket] as const;
  const states = (await sandbox.run(...show)).split(/\n+/);
  // One that crashed just before its stop has failed, and systemd does not start it again either.
  assert.match(states.join(' '), /^(inactive|failed) inactive$/);
  const list = ['systemctl', 'list-units', `${app}-next@*`, '--all', '--plain', '--no-legend'] as const;
  assert.is(await sandbox.run(...list), '', 'a stand-in is left');
  await assertSound(site, null, ...calls);
}

/** Nothing of it keeps a good build from being the first. */
async function assertDeploys(site: Site): Promise<void> {
  const good = await site.add();
  const checked = await site.call<{ safe: boolean }>('check');
  assert.equal([checked.code, checked.document.safe], [0, true], checked.stdout);
  const called = await site.call('deploy');
  const { from, active } = called.document;
  assert.equal([called.code, from, active], [0, null, good], called.stderr);
  await site.sandbox.run('systemctl', 'is-active', site.socket ?? '');
  await assertSound(site, good, called);
}
