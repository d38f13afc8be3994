// needs: sandbox
import { rename, rm } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { suite, type TestContext } from '../suite.ts';
import { heldSite, holdAgain, leaveBehind, letGo, startRun, untilBegun } from './running.ts';
import { breakBuild, breakInService, buildId, makeSite, pointCurrent, type Site, until } from './site.ts';
import { assertSound, currentLink, whoServes } from './sound.ts';

const test = suite('deploy/the link is lost, and the service down');
const [first, second, third] = [buildId(1), buildId(2), buildId(3)];

for (const [what, lose] of [
  ['is missing', removeLink],
  ['leads to nothing', (site) => pointCurrent(site, buildId(99))],
] as const satisfies [string, (site: Site) => Promise<void>][]) {
  test(`S4: where current ${what}, a bad build leads back to the last proven one`, async (t) => {
    const site = await lostSite(t, lose, 'crash');
    const words = lose === removeLink ? [] : ['--force'];
    if (words.length > 0) await site.configure({ keys: ['allow_force = true'] });
    const called = await site.call('deploy', words);
    const { outcome, from, to, active } = called.document;
    assert.equal([called.code, outcome, from, to, active], [4, 'rolled_back', null, second, first], called.stderr);
    assert.match(called.stderr, `going back to ${first}`);
    await assertSound(site, first, called);
  });

  test(`S8: where current ${what}, and what is gone back to is bad as well: what was done stays`, async (t) => {
    const site = await lostSite(t, lose, 'good');
    await breakBuild(site, first);
    const called = await site.call('rollback', [first]);
    const { outcome, active } = called.document;
    assert.equal([called.code, outcome, active], [3, 'failed', first], called.stderr);
    assert.match(called.stderr, 'there is no way back: no build served when this began, so what was done stays');
    assert.match(called.stderr, 'no build served when the rollback began, so there was nothing to go back to');
    assert.not.match(called.stderr, 'the unit was stopped');
    assert.match(called.stderr, '-> cutover rollback production');
    assert.is(await currentLink(site), first);
    const mended = await site.call('rollback', [second]);
    assert.equal([mended.code, mended.document.active], [0, second], mended.stderr);
    await assertSound(site, second, mended);
  });
}

test('S8, S6: killed on its way from no build at all, a rollback is finished, not taken back', async (t) => {
  const site = await heldLostSite(t);
  await leaveBehind(site, 'start', 'rollback');
  const settled = await site.call('settle');
  const { outcome, to, active } = settled.document;
  assert.equal([settled.code, outcome, to, active], [0, 'deployed', second, second], settled.stderr);
  await assertSound(site, second);
});

test('S8: interrupted on its way from no build at all, a rollback goes on', async (t) => {
  const site = await heldLostSite(t);
  const run = await startRun(site, 'rollback');
  await untilBegun(site, 'start');
  run.child.kill('SIGINT');
  await run.hasSaid('interrupted, and goes on');
  const called = await run.end();
  assert.equal([called.code, called.document.active], [0, second], called.stderr);
  await assertSound(site, second, called);
});

test('S4: a fix that fails goes back to no build that is in quarantine, nor to the one that is tried', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}, {}, {}] });
  const fourth = buildId(4);
  for (const build of [second, third]) assert.is((await site.call('deploy', [build])).code, 0);
  await breakBuild(site, second);
  assert.is((await site.call('deploy', [second])).code, 4);
  await breakInService(site, third);
  await breakBuild(site, fourth);
  const called = await site.call('deploy', ['--fix-forward']);
  const { outcome, to, active } = called.document;
  assert.equal([called.code, outcome, to, active], [4, 'rolled_back', fourth, first], called.stderr);
  await assertSound(site, first, called);
});

test('S4: a build that a rollback left is tried, and is bad: what is gone back to is another one', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}] });
  await site.call('deploy');
  assert.is((await site.call('rollback')).code, 0);
  await breakInService(site, first);
  await breakBuild(site, second);
  const called = await site.call('deploy', ['--fix-forward']);
  const { outcome, to, failure } = called.document;
  assert.equal([called.code, outcome, to], [3, 'failed', second], called.stderr);
  assert.match(failure?.message ?? '', `${first} is not verified healthy`);
});

test('S1: where current is the directory that the service runs in, what is to be typed keeps a way back', async (t) => {
  const site = await makeSite(t, { builds: [{}, { mode: 'crash' }] });
  const { sandbox, builds, unit } = site;
  await sandbox.run('systemctl', 'stop', unit);
  await removeLink(site);
  await rename(sandbox.hostPath(`${builds}/${first}`), sandbox.hostPath(`${builds}/current`));
  await sandbox.run('systemctl', 'start', unit);
  await until('it serves', async () => (await whoServes(site)) !== null);
  const refused = await site.call('deploy');
  const mend = refused.document.checks.find(({ name }) => name === 'builds')?.mend ?? '';
  const [command = '', then] = mend.split(', then ');
  assert.equal([refused.code, then], [1, 'cutover deploy production'], refused.stderr);
  await sandbox.run('sh', '-c', command);
  const made = await currentLink(site);
  const called = await site.call('deploy', [second]);
  assert.equal([called.code, called.document.active], [4, made], called.stderr);
});

test('S1: where current leads elsewhere and nothing runs, what is to be typed brings the service back', async (t) => {
  const site = await makeSite(t, { builds: [{}] });
  for (const destination of ['/usr/lib', buildId(99)]) {
    await site.sandbox.run('systemctl', 'stop', site.unit);
    await pointCurrent(site, destination);
    const refused = await site.call('deploy');
    const mend = refused.document.checks.find(({ name }) => name === 'builds')?.mend;
    assert.equal([refused.code, mend], [1, 'cutover rollback production'], refused.stderr);
    const called = await site.call('rollback');
    assert.equal([called.code, called.document.active], [0, first], called.stderr);
    await assertSound(site, first, called);
  }
});

/** The first build was proven, the link is lost, and the unit has failed since. */
async function lostSite(t: TestContext, lose: (site: Site) => Promise<void>, mode: 'crash' | 'good'): Promise<Site> {
  const site = await makeSite(t, { builds: [{}, { mode }] });
  await loseDown(site, lose);
  return site;
}

/** The same with a second build that was proven as well, and is held at its next start. */
async function heldLostSite(t: TestContext): Promise<Site> {
  const site = await heldSite(t);
  await letGo(site);
  assert.is((await site.call('deploy')).code, 0);
  await holdAgain(site);
  await loseDown(site, removeLink);
  return site;
}

async function loseDown(site: Site, lose: (site: Site) => Promise<void>): Promise<void> {
  const { sandbox, unit } = site;
  await lose(site);
  await sandbox.run('systemctl', 'kill', '--signal=KILL', unit);
  const state = ['systemctl', 'show', '--property=ActiveState', '--value', unit] as const;
  await until('the unit is down', async () => (await sandbox.run(...state)).trim() === 'failed');
}

function removeLink({ sandbox, builds }: Site): Promise<void> {
  return rm(sandbox.hostPath(`${builds}/current`));
}
