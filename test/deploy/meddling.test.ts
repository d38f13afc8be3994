// needs: sandbox
import { readFile, rm, writeFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { suite } from '../suite.ts';
import {
  assertWentBack,
  endStop,
  heldDeploy,
  heldSite,
  ledger,
  neverWell,
  slowToStop,
  startDeploy,
  subState,
  untilBegun,
} from './running.ts';
import { buildId, makeSite, type Site, until } from './site.ts';
import { assertNothingLeft, assertSound, currentLink } from './sound.ts';

const test = suite('deploy/meddling');
const [first, second] = [buildId(1), buildId(2)];

test('systemd reads its units again, and is replaced, in the middle of a run', async (t) => {
  const { site, run } = await heldDeploy(t);
  await site.sandbox.run('systemctl', 'daemon-reload');
  await site.sandbox.run('systemctl', 'daemon-reexec');
  const called = await run.end();
  assert.equal([called.code, called.document.active], [0, second], called.stderr);
  await assertSound(site, second, called);
});

test('S4: somebody stops the unit while it starts', async (t) => {
  const { site, run } = await heldDeploy(t);
  await until('it runs', async () => (await site.sandbox.exec(['systemctl', 'is-active', site.unit])).code === 0);
  await byAnotherHand(site, 'stop');
  const called = await run.end();
  assertWentBack(called, first);
  const { failure } = called.document;
  assert.equal([failure?.step, failure?.reason], ['start', 'systemd'], failure?.message);
  assert.match(failure?.message ?? '', `${site.unit} was stopped by another hand`);
  await assertSound(site, first, called);
  assert.is((await site.call('deploy')).document.active, second, 'nothing spoke against the build');
});

for (const verb of ['stop', 'restart'] as const) {
  test(`S4: somebody has the unit ${verb} before its program runs`, async (t) => {
    const service = ["ExecStartPre=/bin/bash -c 'while test -e not-yet; do sleep 0.02; done'"];
    const site = await makeSite(t, { builds: [{}, {}], service });
    await writeFile(site.sandbox.hostPath(`${site.builds}/${second}/not-yet`), '');
    const run = await startDeploy(site);
    await untilBegun(site, 'start');
    await until('it starts', async () => (await subState(site)) === 'start-pre');
    await byAnotherHand(site, verb);
    const called = await run.end();
    assertWentBack(called, first);
    assert.is(called.document.failure?.reason, 'systemd', called.document.failure?.message);
    await assertSound(site, first, called);
  });
}

test('S4: somebody starts the unit while it stops: it is not taken for stopped, and no build is blamed', async (t) => {
  const site = await slowToStop(t);
  const run = await startDeploy(site);
  await untilBegun(site, 'stop');
  await until('it stops', async () => (await subState(site)) === 'stop-sigterm');
  await site.sandbox.run('systemctl', 'start', '--no-block', site.unit);
  await endStop(site);
  const called = await run.end();
  assertWentBack(called, first);
  const { failure } = called.document;
  assert.equal([failure?.step, failure?.reason], ['stop', 'systemd'], failure?.message);
  assert.match(failure?.message ?? '', /the stop job of .* ended as canceled/);
  await assertSound(site, first, called);
});

test('S4: somebody restarts the unit while the gate looks', async (t) => {
  const site = await makeSite(t, neverWell);
  const run = await startDeploy(site);
  await untilBegun(site, 'gate');
  await byAnotherHand(site, 'restart');
  const called = await run.end();
  assertWentBack(called, first);
  assert.is.not(called.document.failure?.reason, 'health', called.document.failure?.message);
  await assertSound(site, first, called);
});

for (const verb of ['stop', 'restart'] as const) {
  test(`S4: somebody has a unit with a command of its own for its end ${verb} while the gate looks`, async (t) => {
    const service = ["ExecStop=/bin/bash -c 'while test -e stays; do sleep 0.02; done'"];
    const site = await makeSite(t, { ...neverWell, service });
    const stays = site.sandbox.hostPath(`${site.builds}/${second}/stays`);
    await writeFile(stays, '');
    t.cleanup(() => rm(stays, { force: true }));
    const run = await startDeploy(site);
    await untilBegun(site, 'gate');
    await site.sandbox.run('systemctl', verb, '--no-block', site.unit);
    await until('it goes back', async () => (await ledger(site)).includes('"reverting"'));
    await rm(stays);
    const called = await run.end();
    assertWentBack(called, first);
    const { failure } = called.document;
    assert.equal([failure?.step, failure?.reason], ['gate', 'systemd'], failure?.message);
    await assertSound(site, first, called);
  });
}

test('S4: a build that ends by itself is blamed, also where its unit has a command for its end', async (t) => {
  const service = ['Restart=no', "ExecStop=/bin/bash -c 'sleep 0.5'"];
  const site = await makeSite(t, { ...neverWell, service });
  const run = await startDeploy(site);
  await untilBegun(site, 'gate');
  await site.sandbox.run('systemctl', 'kill', '--kill-whom=main', '--signal=KILL', site.unit);
  const called = await run.end();
  assertWentBack(called, first);
  assert.is(called.document.failure?.reason, 'exited', called.document.failure?.message);
  await assertSound(site, first, called);
});

test('S4: another hand moves the link before the unit starts: what runs is not the candidate', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}] });
  const { sandbox, builds, unit } = site;
  const path = sandbox.hostPath(`/etc/systemd/system/${unit}`);
  // It runs in the unit's own directory, which the link names: so the build that starts is the one before.
  const meddle = `ExecStartPre=/bin/bash -c 'ln -sfn ${first} ${builds}/current'`;
  await writeFile(path, (await readFile(path, 'utf8')).replace('ExecStart=', `${meddle}\nExecStart=`));
  await sandbox.run('systemctl', 'daemon-reload');
  const called = await site.call('deploy');
  const { failure } = called.document;
  assert.equal([called.code === 0, failure?.reason], [false, 'identity'], called.stderr);
  assert.match(failure?.message ?? '', `runs in ${builds}/${first}`);
  assert.is(await currentLink(site), first);
  await assertNothingLeft(site);
});

test('two targets at once do not disturb each other', async (t) => {
  const sites = [await heldSite(t), await heldSite(t)];
  const runs = await Promise.all(sites.map((site) => startDeploy(site)));
  await Promise.all(sites.map((site) => untilBegun(site, 'start')));
  const calls = await Promise.all(runs.map((run) => run.end()));
  for (const [index, site] of sites.entries()) {
    assert.equal([calls[index]?.code, calls[index]?.document.active], [0, second]);
    await assertSound(site, second);
  }
});

test('journald is down: the deploy goes on, and says so nowhere wrongly', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}] });
  const { sandbox } = site;
  const journald = ['systemd-journald.socket', 'systemd-journald-dev-log.socket', 'systemd-journald.service'];
  t.cleanup(() => sandbox.run('systemctl', 'start', ...journald));
  await sandbox.run('systemctl', 'stop', ...journald);
  const called = await site.call('deploy');
  assert.equal([called.code, called.document.active], [0, second], called.stderr);
  await assertSound(site, second, called);
});

test('S2: a unit of a template, named with and without its ending', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}], isDeployed: false });
  const { sandbox, unit, app, config } = site;
  const template = sandbox.hostPath(`/etc/systemd/system/${app}@.service`);
  await writeFile(template, await readFile(sandbox.hostPath(`/etc/systemd/system/${unit}`)));
  await sandbox.run('systemctl', 'daemon-reload');
  t.cleanup(() => sandbox.run('systemctl', 'stop', `${app}@blue.service`));
  const text = await readFile(sandbox.hostPath(config), 'utf8');
  for (const [name, build] of [
    [`${app}@blue.service`, first],
    [`${app}@blue`, second],
  ] as const) {
    await writeFile(sandbox.hostPath(config), text.replace(`unit = "${unit}"`, `unit = "${name}"`));
    const called = await site.call('deploy', [build]);
    assert.equal([called.code, called.document.active], [0, build], called.stderr);
  }
  await assertNothingLeft(site);
});

test('S2: without a port there is no downtime to tell, and the gate still decides', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}, { mode: 'status' }] });
  const { sandbox, config, port } = site;
  const text = await readFile(sandbox.hostPath(config), 'utf8');
  await writeFile(sandbox.hostPath(config), text.replace(`port = ${port}\n`, ''));
  const called = await site.call('deploy', [second]);
  assert.equal([called.code, called.document.active, called.document.downtime_ms], [0, second, null], called.stderr);
  const bad = await site.call('deploy');
  assert.equal([bad.code, bad.document.active, bad.document.failure?.reason], [4, second, 'health'], bad.stderr);
  await assertSound(site, second, called, bad);
});

/** What it exits with is not judged: the way back may have taken its job's place by then ("Job for … canceled."). */
async function byAnotherHand({ sandbox, unit }: Site, verb: 'stop' | 'restart'): Promise<void> {
  await sandbox.exec(['systemctl', verb, unit]);
}
