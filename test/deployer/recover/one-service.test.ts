// needs: sandbox
// deadline: 10min
import { writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import type { RunDocument } from '../../../lib/run/document.ts';
import { heldSite, startDeploy, untilBegun } from '../../deploy/running.ts';
import { breakBuild, breakInService, buildId, makeSite, type Site, until } from '../../deploy/site.ts';
import { makeSocketSite } from '../../deploy/socket-site.ts';
import { assertNothingLeft, assertSound, whoServes } from '../../deploy/sound.ts';
import { addChannels, startReceiver } from '../../deploy/telling.ts';
import type { MonitorReport } from '../../../lib/report/monitor-report.ts';
import type { RecoveryReport } from '../../../lib/report/recovery-report.ts';
import { suite } from '../../suite.ts';
import { configureRecovery, recoverSite } from './one-service.ts';

const test = suite('deployer/recover/one-service', { timeoutMs: 120_000 });
const [first, second] = [buildId(1), buildId(2)];

async function newestRun(site: Site): Promise<RunDocument | undefined> {
  return (await site.call<{ runs: RunDocument[] }>('history')).document.runs[0];
}

function mainPid({ sandbox, unit }: Site): Promise<string> {
  return sandbox.run('systemctl', 'show', '--property=MainPID', '--value', unit);
}

test('R1: what runs and is unwell is started anew', async (t) => {
  const site = await makeSite(t);
  await configureRecovery(site, {});
  await breakBuild(site, first, 'status');
  await site.sandbox.run('systemctl', 'restart', site.unit);
  const isUnwell = async (): Promise<boolean> => {
    const served = await whoServes(site);
    return served !== null && served.build !== first;
  };
  await until('it is unwell', isUnwell);
  // The process that runs has read it; the next one is well.
  await breakBuild(site, first, 'good');
  const before = await mainPid(site);
  const { code, told, stderr } = await recoverSite(site);
  assert.equal([code, told.before.state, told.before.healthy, told.after.healthy], [0, 'active', false, true], stderr);
  assert.match(told.findings.join('\n'), `http://127.0.0.1:${site.port}/api/health`);
  assert.is.not(await mainPid(site), before);
  await assertSound(site, first);
});

test('R1: a service that was found down was closed since its unit ended, where systemd knows when that was', async (t) => {
  const site = await makeSite(t);
  await configureRecovery(site, {});
  // One that nothing refers to is forgotten by systemd as soon as it is stopped.
  await site.sandbox.run('systemctl', 'enable', site.unit);
  t.cleanup(() => site.sandbox.exec(['systemctl', 'disable', site.unit]));
  const askedMs = Date.now();
  await site.sandbox.run('systemctl', 'stop', site.unit);
  const stoppedMs = Date.now();
  await sleep(1_500);
  const { code, stderr } = await recoverSite(site);
  assert.is(code, 0, stderr);
  const { downtime_ms: closed, started_at, duration_ms } = (await newestRun(site)) as RunDocument;
  const [least, most] = [stoppedMs, askedMs].map((ms) => Date.parse(started_at) - ms) as [number, number];
  assert.ok(closed !== null && closed >= least && closed <= most + duration_ms, `${closed} of ${least} to ${most} ms`);
  await site.sandbox.run('systemctl', 'disable', site.unit);
  await site.sandbox.run('systemctl', 'stop', site.unit);
  assert.is((await recoverSite(site)).code, 0);
  assert.is((await newestRun(site))?.downtime_ms, null, 'systemd forgot when');
});

test('R1: processes that are left in its own unit are ended before the start', async (t) => {
  const inShell = ['ExecStart=', `ExecStart=/bin/bash -c '${process.execPath} app.mjs & wait'`];
  const site = await makeSite(t, { service: [...inShell, 'KillMode=process', 'Restart=no'] });
  await configureRecovery(site, {});
  const old = await whoServes(site);
  await site.sandbox.run('systemctl', 'kill', '--kill-who=main', '--signal=KILL', site.unit);
  await until(
    'systemd has seen it',
    async () => (await site.sandbox.exec(['systemctl', 'is-failed', site.unit])).code === 0,
  );
  const { code, told, stderr } = await recoverSite(site);
  assert.equal([code, told.after.healthy], [0, true], stderr);
  assert.match(told.actions.join('\n'), /\d processes that were left of \S+ were ended/);
  assert.is((await site.sandbox.exec(['test', '-d', `/proc/${old?.pid}`])).code, 1, 'the old process is gone');
  await site.sandbox.run('systemctl', 'kill', '--signal=KILL', site.unit);
  await assertNothingLeft(site);
});

test('R1: behind a socket that was closed: it is opened, and the service restarted by one job', async (t) => {
  const site = await makeSocketSite(t);
  await configureRecovery(site, {});
  await site.sandbox.run('systemctl', 'stop', site.socket, site.unit);
  const { code, told, stderr } = await recoverSite(site);
  assert.equal([code, told.after.healthy], [0, true], stderr);
  assert.is(await site.sandbox.run('systemctl', 'is-active', site.socket), 'active');
  assert.equal(
    (await newestRun(site))?.steps.map(({ name, status }) => `${name} ${status}`),
    ['start done', 'gate done'],
  );
  await assertSound(site, first);
});

test('R1: a repair that fails is told, and the start is tried all the same', async (t) => {
  const site = await makeSite(t);
  await configureRecovery(site, { hooks: ['repair = "echo no network; exit 7"'] });
  await site.sandbox.run('systemctl', 'stop', site.unit);
  const { code, told, stderr } = await recoverSite(site);
  assert.equal([code, told.after.healthy], [0, true], stderr);
  assert.match(told.findings.join('\n'), /the repair failed, .*exited with 7: no network/);
  await assertSound(site, first);
});

test('R1: another run that holds the target is left to its work, and the next attempt sees what it came to', async (t) => {
  const site = await heldSite(t);
  await configureRecovery(site, {});
  const deploying = await startDeploy(site);
  await untilBegun(site, 'start');
  const held = await recoverSite(site);
  assert.equal([held.code, held.told.run, held.told.actions], [3, null, []], held.stderr);
  assert.match(held.told.findings.join('\n'), 'another run holds the target: deploy');
  assert.is(held.told.next, 'cutover status production');
  assert.is((await deploying.end()).code, 0);
  const after = await recoverSite(site);
  assert.equal([after.code, after.told.findings, after.told.actions], [0, [], []]);
  await assertSound(site, second);
});

test('R1: where nothing was ever deployed there is nothing to try again', async (t) => {
  const site = await makeSite(t, { isDeployed: false });
  const { code, told, document } = await recoverSite(site);
  assert.equal([code, document.attempts, told.next, told.run], [3, 1, 'cutover deploy production', null]);
  assert.ok(document.duration_ms < 20_000, 'it waited for another attempt');
});

test('R1, P4: others are told once of a failure, after the last attempt, and of what came back', async (t) => {
  const site = await makeSite(t);
  const receiver = await startReceiver(t, site);
  const log = `${site.folder}/hooks.log`;
  await configureRecovery(site, {
    recovery: ['attempts = 2', 'delay = "100ms"'],
    hooks: [`failed = "echo failed >> ${log}"`, `deployed = "echo deployed >> ${log}"`],
  });
  await addChannels(site, ['channel = "webhook"', 'url_env = "HOOK"']);
  const how = { env: { HOOK: `${receiver.url}/hook` } };
  await breakInService(site, first);
  assert.is((await site.call('recover', [], how)).code, 3);
  // Mended, it would come back by systemd's own means.
  await site.sandbox.run('systemctl', 'stop', site.unit);
  await writeFile(site.sandbox.hostPath(`${site.builds}/${first}/behaviour.json`), '{}');
  assert.is((await site.call('recover', [], how)).code, 0);
  const told = await receiver.told();
  assert.equal(
    told.map(({ headers }) => headers['x-cutover-event']),
    ['failed', 'recovered'],
  );
  assert.is(await site.sandbox.run('cat', log), 'failed');
  await assertNothingLeft(site);
});

test('R1: a way back that does not come up either is told, with the way to the build from before', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}] });
  await configureRecovery(site, {});
  assert.is((await site.call('deploy', [second])).code, 0);
  await breakBuild(site, first);
  await breakInService(site, second);
  const { code, told, stderr } = await recoverSite(site);
  assert.equal([code, told.after.healthy], [3, false], stderr);
  assert.match(told.findings.join('\n'), `${first} does not come up either`);
  assert.is(told.next, `cutover rollback production ${second}`);
});

test('R1, P4: the build that a recovery left is in quarantine, and others are told that it is', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}] });
  const receiver = await startReceiver(t, site);
  await configureRecovery(site, {});
  assert.is((await site.call('deploy', [second])).code, 0);
  await addChannels(site, ['channel = "webhook"', 'url_env = "HOOK"', 'on = ["rolled_back"]']);
  await breakInService(site, second);
  const { code, document, stderr } = await site.call<RecoveryReport>('recover', [], {
    env: { HOOK: `${receiver.url}/hook` },
  });
  assert.equal([code, document.recovered], [0, true], stderr);
  await assertSound(site, first);
  const [told, ...others] = (await receiver.told()).map(({ body }) => JSON.parse(body) as RunDocument);
  assert.equal([told?.kind, told?.cause?.by, told?.cause?.reason, others], ['rollback', 'recover', 'exited', []]);
  assert.is((await site.call('deploy')).document.outcome, 'unchanged', 'it is not picked again by itself');
  assert.is((await site.call('rollback')).code, 2, 'nor by a rollback');
  await assertSound(site, first);
});

test('R4, R5: a recovery counts once, however many attempts it took: the second one that fails is critical', async (t) => {
  const site = await makeSite(t);
  await configureRecovery(site, { recovery: ['attempts = 2', 'delay = "100ms"'] });
  await breakInService(site, first);
  const alertsAfter = async (): Promise<string[]> => {
    const { code, document, stderr } = await site.call<RecoveryReport>('recover');
    assert.equal([code, document.attempts], [3, 2], stderr);
    const { alerts } = (await site.call<MonitorReport>('monitor')).document;
    return alerts.map(({ key, severity, message }) => `${key} ${severity} ${message}`);
  };
  assert.equal(await alertsAfter(), []);
  assert.equal(await alertsAfter(), ['recoveries critical 2 recoveries failed within 24 h']);
  const { stdout } = await site.tell('status', '--metrics');
  const labels = `app="${site.app}",target="production"`;
  assert.match(stdout, `cutover_recoveries_total{${labels},outcome="failed"} 2\n`);
  assert.match(stdout, `cutover_runs_total{${labels},kind="recovery",outcome="failed"} 4\n`);
});
