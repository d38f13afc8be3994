// needs: sandbox
import { rm, writeFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { leaveBehind } from '../deploy/running.ts';
import { buildId, makeSite, pointCurrent, type Site, until } from '../deploy/site.ts';
import { makeOverlapSite, makeSocketSite } from '../deploy/socket-site.ts';
import { suite, type TestContext } from '../suite.ts';
import { assertServes, untilEnded } from './ended.ts';
import { deployNext } from './next.ts';

const test = suite('crash/left over', { timeoutMs: 120_000 });
const [first, second] = [buildId(1), buildId(2)];

/** Each with the step in which the candidate is on its way up. */
const strategies = [
  ['restart', makeSite, 'start'],
  ['socket', makeSocketSite, 'gate'],
  ['overlap', makeOverlapSite, 'stand-in'],
] as const;

for (const [strategy, make, step] of strategies) {
  test(`a stand-in is left over before a deploy or a rollback (${strategy}): it is stopped first`, async (t) => {
    const site = await make(t, { builds: [{}] });
    await installTemplate(t, site);
    await startStandIn(site, first);
    const deployed = await site.call('deploy');
    assert.equal([deployed.code, deployed.document.outcome], [0, 'unchanged'], deployed.stderr);
    assert.match(deployed.stderr, 'left over');
    await untilEnded(site);
    await assertServes(site, first);
    await startStandIn(site, first);
    await deployNext(site);
    await startStandIn(site, second);
    const back = await site.call('rollback');
    assert.equal([back.code, back.document.active], [0, first], back.stderr);
    await untilEnded(site);
    await assertServes(site, first);
  });

  test(`S8: a stand-in that the dead run knows nothing of is left over before a settle (${strategy})`, async (t) => {
    const site = await make(t, { builds: [{}], tables: { health: ['healthy_for = "1s"'] } });
    await installTemplate(t, site);
    await site.add({ mode: 'held' });
    await leaveBehind(site, step);
    await startStandIn(site, first);
    const settled = await site.call('settle');
    assert.equal([settled.code, settled.document.outcome], [0, 'rolled_back'], settled.stderr);
    await assertServes(site, first);
  });

  test(`S4: the link names a build that does not run, and the candidate is bad (${strategy}): what ran is back`, async (t) => {
    const site = await make(t, { builds: [{}] });
    const [unproven] = [await site.add({ mode: 'crash' }), await site.add({ mode: 'crash' })];
    await pointCurrent(site, unproven);
    const called = await site.call('deploy');
    const { outcome, active } = called.document;
    assert.equal([called.code, outcome, active], [4, 'rolled_back', first], called.stderr);
    await assertServes(site, first);
  });

  test(`S8: the link names a build that does not run, and the deployer dies in its first step (${strategy})`, async (t) => {
    const site = await make(t, { builds: [{ mode: 'good' }] });
    const unproven = await site.add({ mode: 'crash' });
    await site.add({ mode: 'held' });
    await pointCurrent(site, unproven);
    await leaveBehind(site, strategy === 'restart' ? 'stop' : step);
    const settled = await site.call('settle');
    assert.equal([settled.code, settled.document.outcome], [0, 'rolled_back'], settled.stderr);
    await assertServes(site, first);
  });
}

test('a unit whose name looks like a stand-in of no build is left alone', async (t) => {
  const site = await makeSite(t);
  await installTemplate(t, site);
  const other = `${site.app}-next@blue.service`;
  await site.sandbox.run('systemctl', 'start', other);
  t.cleanup(() => site.sandbox.run('systemctl', 'stop', other));
  await site.add();
  assert.is((await site.call('deploy')).code, 0);
  assert.is(await site.sandbox.run('systemctl', 'is-active', other), 'active');
});

/** A site without stand-ins may have been one with them before. */
async function installTemplate(t: TestContext, { sandbox, app }: Site): Promise<void> {
  const path = `/etc/systemd/system/${app}-next@.service`;
  if ((await sandbox.exec(['test', '-e', path])).code === 0) return;
  t.cleanup(() => rm(sandbox.hostPath(path), { force: true }));
  await writeFile(sandbox.hostPath(path), '[Service]\nExecStart=/bin/sleep infinity\n');
  await sandbox.run('systemctl', 'daemon-reload');
}

async function startStandIn({ sandbox, app }: Site, build: string): Promise<void> {
  const name = `${app}-next@${build}.service`;
  await sandbox.run('systemctl', 'start', name);
  await until('the stand-in runs', async () => (await sandbox.exec(['systemctl', 'is-active', name])).code === 0);
}
