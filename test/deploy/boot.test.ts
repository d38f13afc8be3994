// needs: sandbox
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import type { Behaviour } from '../services/builds.ts';
import { suite } from '../suite.ts';
import { installBootUnit } from './boot.ts';
import { startDeploy, untilBegun, untilSettled } from './running.ts';
import { buildId, makeSite, type Site, until } from './site.ts';
import { assertSound, whoServes } from './sound.ts';

const test = suite('deploy/boot', { timeoutMs: 90_000 });
const [first, second] = [buildId(1), buildId(2)];
/** Each start says in the journal which build it is of. */
const sayWhere = 'ExecStartPre=/bin/pwd -P';
const candidates: Record<string, Behaviour> = {
  'is slow to start': { mode: 'slow_start', startMs: 9_000 },
  'never listens': { mode: 'never_listen' },
};

for (const [what, behaviour] of Object.entries(candidates)) {
  test(`S8: the power goes while a build is tried that ${what}: the machine comes up on the proven one`, async (t) => {
    const site = await makeSite(t, { builds: [{}, behaviour], service: [sayWhere] });
    const instance = await installBootUnit(site);
    await startDeploy(site);
    await untilBegun(site, 'start');
    await site.sandbox.reboot();
    await untilSettled(site);
    assert.equal(await startedSinceBoot(site), [first], 'the build that was tried was started at boot');
    await untilServing(site);
    await assertSound(site, first);
    const { outcome, active, steps } = (await site.call('report')).document;
    assert.equal([outcome, active], ['rolled_back', first]);
    assert.is(steps.find(({ name }) => name === 'swap')?.status, 'reverted');
    await site.sandbox.run('systemctl', 'is-active', site.unit);
    assert.is((await site.sandbox.exec(['systemctl', 'is-failed', instance])).code, 1);
  });
}

test('S8: the power goes, and the builds lie on a volume that comes late: the machine comes up on the proven one', async (t) => {
  const site = await makeSite(t, { builds: [{}, { mode: 'never_listen' }], service: [sayWhere] });
  await mountLate(site);
  const instance = await installBootUnit(site);
  await startDeploy(site);
  await untilBegun(site, 'start');
  await site.sandbox.reboot();
  const isOver = (): boolean => !existsSync(site.sandbox.hostPath(`${site.state}/in-flight`));
  await until('the run is ended', async () => isOver());
  await untilSettled(site);
  assert.equal(await startedSinceBoot(site), [first], 'the build that was tried was started at boot');
  await untilServing(site);
  await assertSound(site, first);
  assert.is((await site.sandbox.exec(['systemctl', 'is-failed', instance])).code, 1);
});

/** Puts the builds on a mount that no boot waits for, and that comes seconds after it. */
async function mountLate({ sandbox, app, builds }: Site): Promise<void> {
  const [volume, mount] = [
    `/var/lib/${app}-volume`,
    (await sandbox.run('systemd-escape', '--path', '--suffix=mount', builds)).trim(),
  ];
  const slow = `[Service]\nType=oneshot\nExecStart=/bin/sleep 3\n`;
  const text = `[Unit]\nDefaultDependencies=no\nRequires=${app}-slow.service\nAfter=${app}-slow.service\n[Mount]\nWhat=${volume}\nWhere=${builds}\nType=none\nOptions=bind,nofail\n[Install]\nWantedBy=multi-user.target\n`;
  await writeFile(sandbox.hostPath(`/etc/systemd/system/${app}-slow.service`), slow);
  await writeFile(sandbox.hostPath(`/etc/systemd/system/${mount}`), text);
  await sandbox.run(
    'sh',
    '-c',
    `cp -a "$1" "$2" && systemctl daemon-reload && systemctl enable --now "$3"`,
    'sh',
    builds,
    volume,
    mount,
  );
}

test('S8: the power goes twice: once in the run, and once while the boot settles', async (t) => {
  const site = await makeSite(t, { builds: [{}, { mode: 'never_listen' }], service: [sayWhere] });
  await installBootUnit(site);
  await startDeploy(site);
  await untilBegun(site, 'start');
  await site.sandbox.reboot();
  await site.sandbox.reboot();
  await untilSettled(site);
  assert.equal(await startedSinceBoot(site), [first]);
  await untilServing(site);
  await assertSound(site, first);
});

test('S8: the power goes in a first deploy: nothing is deployed, as before', async (t) => {
  const site = await makeSite(t, { builds: [{ mode: 'never_listen' }], service: [sayWhere], isDeployed: false });
  const instance = await installBootUnit(site);
  await startDeploy(site);
  await untilBegun(site, 'start');
  await site.sandbox.reboot();
  await untilSettled(site);
  assert.equal(await startedSinceBoot(site), []);
  // There is nothing that could serve: systemctl --failed shows it, and so does the application's own unit.
  const isFailed = async (): Promise<boolean> =>
    (await site.sandbox.exec(['systemctl', 'is-failed', instance])).code === 0;
  await until('the settle unit failed', isFailed);
  await site.sandbox.run('systemctl', 'reset-failed', instance);
  await site.sandbox.run('systemctl', 'stop', site.unit);
  await assertSound(site, null);
});

test('S8: a boot without an unfinished run passes the settle unit over', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}] });
  const instance = await installBootUnit(site);
  await site.sandbox.reboot();
  const show = ['systemctl', 'show', '--property=ConditionResult,ActiveState', '--value', instance] as const;
  assert.is(await site.sandbox.run(...show), 'inactive\nno');
  await untilServing(site);
  await assertSound(site, first);
  const called = await site.call('deploy');
  assert.equal([called.code, called.document.active], [0, second], called.stderr);
});

test('S8: the machine is shut down in the middle of a run: what cannot be taken back then is at boot', async (t) => {
  const site = await makeSite(t, { builds: [{}, { mode: 'never_listen' }], service: [sayWhere] });
  await installBootUnit(site);
  await startDeploy(site);
  await untilBegun(site, 'start');
  const began = performance.now();
  await site.sandbox.exec(['systemctl', 'reboot']);
  const { pid } = site.sandbox;
  await until('the machine is off', async () => !existsSync(`/proc/${pid}`), 120_000);
  assert.ok(performance.now() - began < 80_000, 'the shutdown was held up');
  await site.sandbox.reboot();
  await untilSettled(site);
  assert.equal(await startedSinceBoot(site), [first]);
  await untilServing(site);
  await assertSound(site, first);
});

/** The unit is up before its program listens, and where nothing was left to settle nobody waited for that. */
async function untilServing(site: Site): Promise<void> {
  await until('it serves', async () => (await whoServes(site)) !== null);
}

/** The builds that the unit was started in since the machine came up, each once. */
async function startedSinceBoot({ sandbox, unit }: Site): Promise<string[]> {
  await sandbox.run('journalctl', '--sync');
  const lines = await sandbox.run('journalctl', '--boot', '--unit', unit, '--output=cat', '--no-pager');
  return [...new Set(lines.match(/(?<=^\/srv\/.*\/)dist\.[\d-]+$/gm) ?? [])];
}
