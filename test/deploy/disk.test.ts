// needs: sandbox
import { mkdir, rm } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import type { RunDocument } from '../../lib/run/document.ts';
import type { Behaviour } from '../services/builds.ts';
import { suite, type TestContext } from '../suite.ts';
import { heldSite, leaveBehind } from './running.ts';
import { breakInService, buildId, type Called, makeSite, type Refusal, type Site } from './site.ts';
import { assertSound, currentLink, whoServes } from './sound.ts';

const test = suite('deploy/disk');
const [first, second] = [buildId(1), buildId(2)];

const isRefusal = (document: RunDocument | Refusal): document is Refusal => 'error' in document;

test('the state directory is read-only: refused, nothing was touched', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}] });
  await mountReadOnly(t, site, '/var/lib/cutover');
  const before = await whoServes(site);
  const { code, document, stderr } = await site.call('deploy');
  assert.equal([code, document.outcome], [1, 'refused'], stderr);
  const checked = await site.call<{ safe: boolean; checks: RunDocument['checks'] }>('check');
  const disk = checked.document.checks.find(({ name }) => name === 'disk');
  assert.equal([checked.code, checked.document.safe, disk?.status], [1, false, 'fail'], checked.stderr);
  assert.match(disk?.observed ?? '', /^\/var\/lib\/cutover.* is on a read-only file system$/);
  assert.equal(await whoServes(site), before);
  await assertSound(site, first);
});

for (const [what, spoil, fact] of [
  ['read-only', (t, site) => mountReadOnly(t, site, '/var/lib/cutover'), 'the file system is read-only'],
  ['read-only and has no lock', mountWithoutLock, 'nothing keeps another run away from production: .*read-only'],
  ['full', mountFull, 'no space left'],
] as const satisfies [string, (t: TestContext, site: Site) => Promise<void>, string][]) {
  test(`S8: the service is down and the state's disk is ${what}: the rollback goes without a record, and says so`, async (t) => {
    const site = await makeSite(t, { builds: [{}, {}] });
    await site.call('deploy');
    await breakInService(site, second);
    await spoil(t, site);
    const called = await site.call('rollback');
    assert.equal([called.code, called.document.active], [0, first], called.stderr);
    assert.match(called.stderr, new RegExp(`note: this is not written down: .*|note: .*${fact}`));
    assert.match(called.stderr, new RegExp(fact));
    assert.equal([(await whoServes(site))?.build, await currentLink(site)], [first, first]);
  });
}

test('S1: the builds directory is read-only: refused before anything is stopped', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}] });
  await mountReadOnly(t, site, site.builds);
  const called = await site.call('deploy');
  assert.equal([called.code, called.document.outcome], [1, 'refused'], called.stderr);
  const check = called.document.checks.find(({ name }) => name === 'builds');
  assert.equal([check?.status, check?.observed], ['fail', `${site.builds} is on a read-only file system`]);
  await assertSound(site, first, called);
});

test('S4: the link cannot move in the middle of a run: the old build is back', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}], keys: ['allow_force = true'] });
  await mountReadOnly(t, site, site.builds);
  const called = await site.call('deploy', ['--force']);
  const { outcome, active, failure } = called.document;
  assert.equal(
    [called.code, outcome, active, failure?.reason, failure?.step],
    [4, 'rolled_back', first, 'permission', 'swap'],
    called.stderr,
  );
  assert.match(failure?.message ?? '', new RegExp(`${site.builds}.*the file system is read-only`));
  assert.match(failure?.mend ?? '', site.builds);
  assert.match(called.stderr, `-> ${failure?.mend}\n  -> cutover report production`);
  await assertSound(site, first, called);
});

test('a log that cannot be written stops nothing', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}] });
  await mountReadOnly(t, site, '/var/log/cutover');
  const called = await site.call('deploy');
  assert.equal([called.code, called.document.active], [0, second], called.stderr);
  assert.match(called.stderr, /note: .*read-only/);
  await assertSound(site, second, called);
});

test('S10: the directory of logs is full: the deploy goes on', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}] });
  const { sandbox, logs } = site;
  await sandbox.run('mount', '-t', 'tmpfs', '-o', 'size=4096', 'small', logs);
  t.cleanup(() => sandbox.run('umount', '--lazy', logs));
  await sandbox.exec(['dd', 'if=/dev/zero', `of=${logs}/filler`, 'bs=4096', 'count=4']);
  const called = await site.call('deploy');
  assert.equal([called.code, called.document.active], [0, second], called.stderr);
  assert.match(called.stderr, /note: .*no space left/);
  await assertSound(site, second, called);
});

test('S8: the state directory became read-only in the middle of a run: settle brings the old build back all the same', async (t) => {
  const site = await heldSite(t);
  await leaveBehind(site);
  await mountReadOnly(t, site, '/var/lib/cutover');
  const settled = await site.call('settle');
  assert.equal([settled.code, settled.document.outcome], [0, 'rolled_back'], settled.stdout + settled.stderr);
  assert.match(
    settled.stderr,
    /note: the next command takes the run for cut off: .*in-flight: the file system is read-only/,
  );
  assert.match(settled.stderr, /note: this is not written down/);
  assert.equal([(await whoServes(site))?.build, await currentLink(site)], [first, first]);
  await site.sandbox.run('mount', '-o', 'remount,bind,rw', '/var/lib/cutover');
  // systemd begins to settle what the first one left, and may hold the target.
  const again = await site.call('settle', ['--wait=60s']);
  assert.is(again.code, 0, again.stderr);
  await assertSound(site, first);
});

test('S8: the state directory is full: settle brings the old build back all the same', async (t) => {
  const site = await heldSite(t);
  const { sandbox, app } = site;
  const directory = `/var/lib/cutover/${app}`;
  await leaveBehind(site);
  await sandbox.run('cp', '-a', directory, '/run/kept');
  await sandbox.run('mount', '-t', 'tmpfs', '-o', 'size=512k', 'small', directory);
  t.cleanup(() => sandbox.run('umount', '--lazy', directory));
  await sandbox.run('cp', '-a', '/run/kept/.', directory);
  await sandbox.exec(['dd', 'if=/dev/zero', `of=${directory}/filler`, 'bs=4096']);
  const settled = await site.call('settle');
  assert.equal(
    [settled.code, settled.document.outcome, settled.document.active],
    [0, 'rolled_back', first],
    settled.stderr,
  );
  await sandbox.run('rm', `${directory}/filler`);
  assert.equal([(await whoServes(site))?.build, await currentLink(site)], [first, first]);
  await sandbox.run('test', '!', '-e', `${directory}/production/in-flight`);
});

/** Every number of free pages is a disk that is full at another moment of the run. */
for (const [name, behaviour] of [
  ['good', {}],
  ['bad', { mode: 'crash' }],
] as [string, Behaviour][]) {
  test(
    `the disk is full at any moment of the deploy of a ${name} build: never a broken service`,
    async (t) => {
      const site = await makeSite(t, { builds: [{}, behaviour] });
      await site.configure({ tables: { limits: ['disk_used = "100G"'] } });
      const directory = `/var/lib/cutover/${site.app}`;
      const outcomes = new Set<string>();
      for (let pages = 1; pages <= 9; pages += 1) {
        await site.sandbox.run('mount', '-t', 'tmpfs', '-o', `size=${pages * 4096}`, 'small', directory);
        try {
          const called = await site.call<RunDocument | Refusal>('deploy', [second]);
          assert.not.match(called.stdout + called.stderr, '    at ');
          outcomes.add(await judge(site, called, name === 'good'));
        } finally {
          await site.sandbox.run('umount', '--lazy', directory);
        }
        await site.sandbox.run('rm', '-rf', `${directory}/production/quarantine.json`);
        if ((await currentLink(site)) === second) await site.call('rollback', [first]);
      }
      assert.ok(outcomes.has('refused'), `${[...outcomes].join(', ')}: some were too small to begin`);
      assert.ok(
        outcomes.has(name === 'good' ? 'deployed' : 'rolled_back'),
        `${[...outcomes].join(', ')}: some were large enough`,
      );
      await assertSound(site, first);
    },
    { timeoutMs: 90_000 },
  );
}

/** @returns what became of the run, after it was seen that what serves is what was told */
async function judge(
  site: Site,
  { code, document, stderr }: Called<RunDocument | Refusal>,
  isGood: boolean,
): Promise<string> {
  const serves = await whoServes(site);
  assert.is(serves?.build, await currentLink(site), `${stderr}\nthe link and the process differ`);
  if (isRefusal(document)) {
    assert.equal([code, document.exit_code, document.error?.code], [1, 1, 'disk'], stderr);
    assert.match(document.error.message, 'no space left');
    assert.match(document.error.mend, 'df -h');
    assert.is(serves?.build, first, 'nothing was changed');
    return 'refused';
  }
  assert.is(document.active, serves?.build ?? null, stderr);
  if (document.outcome === 'deployed') assert.ok(isGood && code === 0 && serves?.build === second, stderr);
  else assert.equal([document.outcome, code, serves?.build], ['rolled_back', 4, first], stderr);
  return document.outcome;
}

/** As on a disk that became read-only before the target was ever taken. */
async function mountWithoutLock(t: TestContext, site: Site): Promise<void> {
  await rm(site.sandbox.hostPath(`${site.state}/lock`));
  await mountReadOnly(t, site, '/var/lib/cutover');
}

/** The same files on a disk of their own, without room for one byte or one name more. */
async function mountFull(t: TestContext, { sandbox, app }: Site): Promise<void> {
  const directory = `/var/lib/cutover/${app}`;
  const kept = `/run/kept-${app}`;
  await sandbox.run('cp', '-a', directory, kept);
  await sandbox.run('mount', '-t', 'tmpfs', '-o', 'size=512k,nr_inodes=100', 'small', directory);
  t.cleanup(() => sandbox.run('umount', '--lazy', directory));
  await sandbox.run('cp', '-a', `${kept}/.`, directory);
  await sandbox.exec(['bash', '-c', `for i in {1..100}; do : > ${directory}/name-$i; done`]);
  await sandbox.exec(['dd', 'if=/dev/zero', `of=${directory}/name-1`, 'bs=4096']);
}

async function mountReadOnly(t: TestContext, { sandbox }: Site, directory: string): Promise<void> {
  await mkdir(sandbox.hostPath(directory), { recursive: true });
  await sandbox.run('mount', '--bind', directory, directory);
  t.cleanup(() => sandbox.run('umount', '--lazy', directory));
  await sandbox.run('mount', '-o', 'remount,bind,ro', directory);
}
