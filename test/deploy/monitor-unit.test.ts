// needs: sandbox
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { MonitorReport } from '../../lib/report/monitor-report.ts';
import type { RunDocument } from '../../lib/run/document.ts';
import { repository } from '../sandboxed.ts';
import { suite, type TestContext } from '../suite.ts';
import { breakBuild, buildId, executable, makeSite, type Site, until } from './site.ts';
import { assertSound } from './sound.ts';

const test = suite('deploy/monitor-unit', { timeoutMs: 180_000 });
const [first, second] = [buildId(1), buildId(2)];

/** Puts our units in place as a package would, for this site's configuration. @returns the name of its instance */
async function installUnits(t: TestContext, { sandbox, app, config }: Site): Promise<string> {
  for (const ending of ['service', 'timer']) {
    const name = `cutover-monitor@.${ending}`;
    const text = await readFile(join(repository, 'units', name), 'utf8');
    const command = `${process.execPath} ${executable('cutover')} --config ${config}`;
    const path = sandbox.hostPath(`/etc/systemd/system/${name}`);
    await writeFile(path, text.replace('/usr/bin/cutover monitor', `${command} monitor`).replaceAll('=1min', '=1s'));
    t.cleanup(() => rm(path, { force: true }));
  }
  await sandbox.run('systemctl', 'daemon-reload');
  return `cutover-monitor@${(await sandbox.run('systemd-escape', `${app}/production`)).trim()}`;
}

async function recoveries(site: Site): Promise<string[]> {
  const { runs } = (await site.call<{ runs: RunDocument[] }>('history')).document;
  return runs.filter(({ kind }) => kind === 'recovery').map(({ outcome }) => outcome);
}

test('S10, B5: the timer has a pass made, which may act from inside its unit', async (t) => {
  const site = await makeSite(t, { keys: ['monitor = { every = "1s", failures = 2, action = "restart" }'] });
  const { sandbox } = site;
  const instance = await installUnits(t, site);
  t.cleanup(() => sandbox.exec(['systemctl', 'stop', `${instance}.timer`, `${instance}.service`]));
  await sandbox.run('systemctl', 'stop', site.unit);
  await sandbox.run('systemctl', 'start', `${instance}.timer`);
  await until('it is back', async () => (await recoveries(site)).includes('deployed'), 90_000);
  const result = ['systemctl', 'show', '--property=Result', '--value', `${instance}.service`] as const;
  await until('a pass is content', async () => (await sandbox.run(...result)).trim() === 'success', 60_000);
  await sandbox.run('systemctl', 'stop', `${instance}.timer`, `${instance}.service`);
  await sandbox.run('systemctl', 'reset-failed');
  // No scope is left either.
  await assertSound(site, first);
});

test('S10: a pass is not due before `every` has gone by', async (t) => {
  const site = await makeSite(t, { keys: ['monitor = { every = "10min" }'] });
  const due = async (): Promise<string | null> =>
    (await site.call<MonitorReport>('monitor', ['--due'])).document.passed_over;
  assert.equal([await due(), await due()], [null, 'not due']);
  await site.configure({ keys: ['monitor = { every = "1s" }'] });
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  assert.is(await due(), null);
  await site.configure({});
  assert.is(await due(), 'not due', 'without a table there is nothing for a timer');
});

test('S10: the bake time goes on after a boot: a build that does not come up with the machine is left', async (t) => {
  const keys = ['monitor = { failures = 9, action = "alert", bake = "1h" }'];
  const site = await makeSite(t, { builds: [{}, {}], keys });
  const { sandbox, unit } = site;
  await sandbox.run('systemctl', 'enable', unit);
  await site.call('deploy', [second]);
  await breakBuild(site, second);
  await sandbox.reboot();
  const state = ['systemctl', 'show', '--property=ActiveState', '--value', unit] as const;
  await until('it has given up', async () => (await sandbox.run(...state)).trim() === 'failed', 30_000);
  const { code, document, stderr } = await site.call<MonitorReport>('monitor');
  assert.equal([code, document.in_bake, document.actions], [0, true, [`went back to ${first}`]], stderr);
  await assertSound(site, first);
});
