// needs: sandbox
import * as assert from 'uvu/assert';
import type { MonitorReport } from '../../lib/report/monitor-report.ts';
import { suite, type TestContext } from '../suite.ts';
import { breakBuild, breakInService, buildId, makeSite, type Site } from './site.ts';

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
