// needs: sandbox
import * as assert from 'uvu/assert';
import { suite, type TestContext } from '../suite.ts';
import { leaveBehind, startDeploy, untilBegun } from './running.ts';
import { buildId, makeSite, type Site } from './site.ts';
import { assertSound } from './sound.ts';
import type { Behaviour } from '../services/builds.ts';

const test = suite('deploy/the way back is gone');
const [first, second, third] = [buildId(1), buildId(2), buildId(3)];

test('S4: the build before is removed while the next one fails: the one before that is gone back to', async (t) => {
  const site = await siteWith(t, [{}, {}, { mode: 'status' }]);
  const run = await startDeploy(site);
  await untilBegun(site, 'gate');
  await remove(site, second);
  await endGate(site);
  const called = await run.end();
  const { outcome, from, to, active } = called.document;
  assert.equal([called.code, outcome, from, to, active], [4, 'rolled_back', second, third, first], called.stderr);
  assert.match(called.stderr, `note: ${second} is not in ${site.builds} any more, so ${first} takes its place`);
  await assertSound(site, first, called);
});

test('S8: the same for whoever ends a run that was cut off', async (t) => {
  const site = await siteWith(t, [{}, {}, { mode: 'held' }]);
  await leaveBehind(site);
  await remove(site, second);
  const settled = await site.call('settle');
  assert.equal([settled.code, settled.document.active], [0, first], settled.stderr);
  await assertSound(site, first);
});

test('S4: with no other proven build it is told that there is none to go back to', async (t) => {
  const site = await makeSite(t, { builds: [{}, { mode: 'status' }], tables: slow });
  const run = await startDeploy(site);
  await untilBegun(site, 'gate');
  await remove(site, first);
  await endGate(site);
  const called = await run.end();
  const { outcome, failure } = called.document;
  assert.equal([called.code, outcome], [3, 'failed'], called.stderr);
  assert.match(failure?.message ?? '', `${first} is not in ${site.builds} any more`);
  assert.not.match(called.stdout + called.stderr, 'ENOENT');
});

test('S4: a link that cannot be moved back is no way back, even where nobody sees which build answers', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}] });
  const { sandbox, builds } = site;
  const hook = `mount --bind ${builds} ${builds} && mount -o remount,bind,ro ${builds} && exit 1`;
  await site.configure({ keys: [`hooks.smoke = "${hook}"`], tables: { health: ['identity = false'] } });
  t.cleanup(() => sandbox.exec(['umount', '--lazy', builds]));
  const { code, document, stderr } = await site.call('deploy');
  assert.equal([code, document.outcome, document.active], [3, 'failed', second], stderr);
  assert.match(
    document.failure?.message ?? '',
    `${builds}/current names ${second}, and could not be moved to ${first}`,
  );
  await sandbox.run('mount', '-o', 'remount,bind,rw', builds);
  await site.configure({ tables: { health: ['identity = false'] } });
  const back = await site.call('rollback', [first]);
  assert.equal([back.code, back.document.active], [0, first], back.stderr);
  await assertSound(site, first, back);
});

/** Time enough to remove something while the gate still asks. */
const slow = { health: ['attempts = 600'], start: ['timeout = "60s"'] };

/** The first two are deployed. */
async function siteWith(t: TestContext, builds: Behaviour[]): Promise<Site> {
  const site = await makeSite(t, { builds, tables: slow });
  assert.is((await site.call('deploy', [second])).code, 0);
  return site;
}

/** The build that it looks at dies. */
async function endGate({ sandbox, unit }: Site): Promise<void> {
  await sandbox.run('systemctl', 'kill', '--signal=KILL', unit);
}

async function remove({ sandbox, builds, folder }: Site, build: string): Promise<void> {
  await sandbox.run('mv', `${builds}/${build}`, `${folder}/${build}`);
}
