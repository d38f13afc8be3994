// needs: sandbox
import * as assert from 'uvu/assert';
import type { MonitorReport } from '../../lib/report/monitor-report.ts';
import { suite, type TestContext } from '../suite.ts';
import { heldSite, leaveBehind } from './running.ts';
import { breakBuild, breakInService, buildId, makeSite, type Site, until } from './site.ts';
import { assertSound } from './sound.ts';

const test = suite('deploy/monitor-unwritable', { timeoutMs: 180_000 });
const [first, second] = [buildId(1), buildId(2)];

/** As on a disk that the kernel has given up writing to. @returns what makes it writable again */
async function mountReadOnly(t: TestContext, { sandbox }: Site): Promise<() => Promise<unknown>> {
  const directory = '/var/lib/cutover';
  await sandbox.run('mount', '--bind', directory, directory);
  t.cleanup(() => sandbox.run('umount', '--lazy', directory));
  await sandbox.run('mount', '-o', 'remount,bind,ro', directory);
  return () => sandbox.run('mount', '-o', 'remount,bind,rw', directory);
}

/** How often each was found in a row, and what people are told; that the disk cannot be written is told besides. */
async function pass(
  site: Site,
): Promise<{ code: number | null; found: unknown[]; told: unknown[]; report: MonitorReport }> {
  const { code, document } = await site.call<MonitorReport>('monitor');
  const found = document.findings.filter(({ key }) => key !== 'disk').map(({ key, passes }) => `${key} ${passes}`);
  const told = document.alerts
    .filter(({ key }) => key !== 'disk')
    .map(({ key, severity, state }) => `${key} ${severity} ${state}`);
  return { code, found, told, report: document };
}

test('S10, R5: failures add up and are told where the state cannot be written, and that is told as well', async (t) => {
  const site = await makeSite(t, { keys: ['monitor = { every = "1ms", failures = 3, action = "alert" }'] });
  await site.sandbox.run('systemctl', 'stop', site.unit);
  assert.equal((await pass(site)).found, ['service 1']);
  const mend = await mountReadOnly(t, site);
  const two = await pass(site);
  assert.equal([two.code, two.found, two.told], [3, ['service 2', 'state 1'], []]);
  const spare = `/run/cutover${site.state}/monitor.json`;
  const { message = '' } = two.report.findings.find(({ key }) => key === 'state') ?? {};
  assert.match(message, `the file system is read-only; until the machine goes down it is in ${spare}`);
  assert.is((await site.sandbox.run('stat', '--format=%a %u', '/run/cutover')).trim(), '700 0');
  assert.equal((await pass(site)).told, ['service warning raised']);
  const four = await pass(site);
  assert.equal([four.found, four.told], [['service 4', 'state 3'], ['state critical raised']]);
  assert.equal((await pass(site)).told, [], 'once');
  await mend();
  const after = await pass(site);
  assert.equal([after.found, after.told], [['service 6'], ['state critical cleared']]);
  assert.is((await site.sandbox.exec(['test', '-e', spare])).code, 1);
});

test('S10: where the state cannot be written, what did not help is not done again by each pass', async (t) => {
  const keys = ['monitor = { every = "1ms", failures = 1, action = "rollback" }'];
  const site = await makeSite(t, { builds: [{}, {}], keys });
  await site.call('deploy', [second]);
  await breakBuild(site, first);
  await breakInService(site, second);
  await mountReadOnly(t, site);
  assert.match((await pass(site)).report.actions.join(), 'tried to go back');
  assert.equal((await pass(site)).report.actions, [], 'once');
});

test('S10: a run that was cut off is ended once, and told of once, where its mark cannot be taken away', async (t) => {
  const site = await heldSite(t);
  const { sandbox, unit } = site;
  await leaveBehind(site);
  const mend = await mountReadOnly(t, site);
  const [ended] = (await pass(site)).report.actions;
  assert.match(ended ?? '', /^ended run .*: rolled_back$/);
  // It ends what the pass could not write down that it had ended.
  const settling = [
    'systemctl',
    'list-units',
    '--plain',
    '--no-legend',
    '--state=active,activating,deactivating',
  ] as const;
  await until('nobody is at it', async () => !(await sandbox.run(...settling, `cutover-*${site.app}*`)).trim());
  const start = ['systemctl', 'show', '--property=InvocationID', '--value', unit] as const;
  const before = await sandbox.run(...start);
  const { passed_over, actions } = (await pass(site)).report;
  assert.equal([passed_over, actions, await sandbox.run(...start)], [null, [], before]);
  await mend();
  const mark = ['test', '-e', `${site.state}/in-flight`] as const;
  await until(
    'a pass has it written down',
    async () => (await pass(site)).code === 0 && (await sandbox.exec(mark)).code === 1,
  );
  await assertSound(site, first);
});
