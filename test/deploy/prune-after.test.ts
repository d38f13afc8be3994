// needs: sandbox
import { readdir } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { suite, type TestContext } from '../suite.ts';
import { buildId, executable, makeSite, type Site } from './site.ts';
import { assertSound, whoServes } from './sound.ts';

const test = suite('deploy/prune after a run');

test('W3: each deploy leaves what the keep rules keep, and tells what went', async (t) => {
  const site = await makeSite(t, { builds: [{}], keys: ['keep = 1'] });
  for (let number = 2; number <= 5; number += 1) {
    await site.add();
    const called = await site.call('deploy');
    assert.equal([called.code, called.document.active], [0, buildId(number)], called.stderr);
    if (number === 5) assert.match(called.stderr, `note: removed old builds: ${buildId(2)}`);
  }
  assert.equal(await buildsOf(site), [3, 4, 5].map(buildId));
  const back = await site.call('rollback');
  assert.equal([back.code, back.document.active], [0, buildId(4)], back.stderr);
  await assertSound(site, buildId(4), back);
});

test('W3: a deploy that failed removes no way back', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}, {}], keys: ['keep = 0'] });
  for (const number of [2, 3]) assert.is((await site.call('deploy', [buildId(number)])).code, 0);
  for (let time = 0; time < 4; time += 1) {
    await site.add({ mode: 'crash' });
    assert.is((await site.call('deploy')).code, 4);
  }
  const left = await buildsOf(site);
  assert.equal(left.slice(0, 2), [buildId(2), buildId(3)], left.join(', '));
  const back = await site.call('rollback');
  assert.equal([back.code, back.document.active], [0, buildId(2)], back.stderr);
  await assertSound(site, buildId(2), back);
});

test('W3: a deploy that finds the disk nearly full makes room first; without anything to remove it is refused', async (t) => {
  const limit = { limits: ['disk_used = "80%"'] };
  const site = await makeSite(t, { builds: [{}, {}, {}, {}, {}], isDeployed: false });
  await moveToSmallDisk(t, site);
  await fillSmallDisk(site);
  await site.configure({ keys: ['keep = 5'], tables: limit });
  const refused = await site.call('deploy');
  assert.equal([refused.code, refused.document.active], [1, buildId(4)], refused.stderr);
  await site.configure({ keys: ['keep = 0'], tables: limit });
  const called = await site.call('deploy');
  assert.equal([called.code, called.document.active], [0, buildId(5)], called.stderr);
  assert.match(called.stderr, `note: removed old builds: ${buildId(1)}, ${buildId(2)}`);
  assert.is((await whoServes(site))?.build, buildId(5));
});

test('W3: the build that is named stays, where room is made for its deploy', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}, {}, {}], keys: ['keep = 100'], isDeployed: false });
  await moveToSmallDisk(t, site);
  await fillSmallDisk(site);
  await site.configure({ keys: ['keep = 0'], tables: { limits: ['disk_used = "80%"'] } });
  const called = await site.call('deploy', [buildId(1)]);
  assert.equal([called.code, called.document.active], [0, buildId(1)], called.stderr);
  assert.match(called.stderr, `note: removed old builds: ${buildId(2)}`);
  assert.is((await whoServes(site))?.build, buildId(1));
});

test('S9, W3: the direct form removes no build, although the disk is nearly full', async (t) => {
  const site = await makeSite(t, { builds: Array.from({ length: 9 }, () => ({})), isDeployed: false });
  const { sandbox, unit, builds, port } = site;
  const command = [process.execPath, executable('deploy-with-zero-downtime'), unit] as const;
  const direct = (number: number) => sandbox.exec([...command, `${builds}/${buildId(number)}`, String(port)]);
  await moveToSmallDisk(t, site);
  for (let number = 1; number <= 8; number += 1) assert.is((await direct(number)).code, 0);
  await sandbox.run('sh', '-c', `head -c 3400000 /dev/zero > ${builds}/${buildId(9)}/ballast`);
  const { code, stderr } = await direct(9);
  assert.is(code, 1, stderr);
  assert.equal(await buildsOf(site), [1, 2, 3, 4, 5, 6, 7, 8, 9].map(buildId));
});

/** Deploys the first four builds, which fill the small disk. */
async function fillSmallDisk(site: Site): Promise<void> {
  const { sandbox, builds } = site;
  for (const number of [1, 2, 3, 4]) {
    await sandbox.run('sh', '-c', `head -c 850000 /dev/zero > ${builds}/${buildId(number)}/ballast`);
    assert.is((await site.call('deploy', [buildId(number)])).code, 0);
  }
}

/** The builds on a file system of 4 MB, and the state on one with room, however full the machine's disk is. */
async function moveToSmallDisk(t: TestContext, { sandbox, app, builds }: Site): Promise<void> {
  const small = `/srv/${app}/small`;
  const moved = `mkdir ${small}; mount -t tmpfs -o size=4M s ${small}; cp -a ${builds}/. ${small}; mount --bind ${small} ${builds}`;
  await sandbox.run('sh', '-ec', moved);
  t.cleanup(() => sandbox.exec(['umount', '-l', builds, small]));
  await sandbox.run('sh', '-ec', 'mkdir -p -m 700 /var/lib/cutover; mount -t tmpfs -o mode=0700 s /var/lib/cutover');
  t.cleanup(() => sandbox.exec(['umount', '-l', '/var/lib/cutover']));
}

async function buildsOf({ sandbox, builds }: Site): Promise<string[]> {
  const names = await readdir(sandbox.hostPath(builds));
  return names.filter((name) => name.startsWith('dist.')).toSorted();
}
