// needs: sandbox
import * as assert from 'uvu/assert';
import { suite } from '../suite.ts';
import { buildId, makeSite, type Site, until, writeUnit } from './site.ts';
import { assertNothingLeft, assertSound, currentLink, whoServes } from './sound.ts';
import { mainPid, startStranger, stealAtStop, stealing, strangerFile, untilTaken, writeStranger } from './stranger.ts';

const test = suite('deploy/strangers on the port');
/** A service that is gone before anybody looks, where a start with Node takes a moment to find its port taken. */
const leavesWhereTaken = ({ port }: Site): string[] => [
  'ExecStart=',
  `ExecStart=bash -c '(exec 3<>/dev/tcp/127.0.0.1/${port}) 2>/dev/null && exit 1; exec ${process.execPath} app.mjs'`,
];
const [first, second] = [buildId(1), buildId(2)];

test('S1: a stranger holds the port before the first deploy: refused, named, left alone', async (t) => {
  const site = await makeSite(t, { isDeployed: false });
  const { sandbox, unit, port } = site;
  const stranger = await startStranger(site);
  t.cleanup(() => sandbox.exec(['systemctl', 'stop', stranger]));
  const pid = await mainPid(site, stranger);
  for (const command of ['deploy', 'check']) {
    const called = await site.call(command);
    assert.is(called.code, 1, called.stderr);
    const answer = called.document.checks.find(({ name }) => name === 'port');
    assert.is(answer?.status, 'fail');
    assert.match(
      answer?.observed ?? '',
      new RegExp(`^port ${port} on .* is held by pid ${pid} \\(.*stranger\\.mjs.*\\) of ${stranger}$`),
    );
    assert.is(answer?.expected, `free, or held by ${unit}`);
    assert.is(answer?.mend, `systemctl stop ${stranger}`);
    assert.match(called.stderr, `-> systemctl stop ${stranger}`);
  }
  assert.is(await mainPid(site, stranger), pid, 'the stranger lives');
  await assertSound(site, null);
  await sandbox.run('systemctl', 'stop', stranger);
  const mended = await site.call('deploy');
  assert.equal([mended.code, mended.document.active], [0, first], mended.stderr);
  await assertSound(site, first, mended);
});

test('S1: a stranger without a unit is named with its pid and command', async (t) => {
  const site = await makeSite(t, { isDeployed: false });
  await writeStranger(site);
  const child = await site.sandbox.spawn([process.execPath, strangerFile(site)]);
  t.cleanup(() => child.kill('SIGKILL'));
  await untilTaken(site);
  const called = await site.call('check');
  const answer = called.document.checks.find(({ name }) => name === 'port');
  assert.is(called.code, 1);
  assert.match(answer?.observed ?? '', /is held by pid \d+ \(.*stranger\.mjs\)$/);
  const pid = /pid (\d+)/.exec(answer?.observed ?? '')?.[1];
  assert.match(answer?.mend ?? '', `kill ${pid}`);
});

test('S4: a stranger takes the port between stop and start: named, never killed, exit 3', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}] });
  const { sandbox, unit, port } = site;
  const thief = await stealAtStop(site);
  t.cleanup(() => sandbox.exec(['systemctl', 'stop', thief]));
  const called = await site.call('deploy');
  const { outcome, failure, exit_code, active } = called.document;
  assert.equal([called.code, exit_code, outcome, active], [3, 3, 'failed', first], called.stderr);
  assert.equal([failure?.reason, failure?.step], ['port_taken', 'free-port']);
  const pid = await mainPid(site, thief);
  assert.ok(Number(pid) > 0, 'the stranger lives');
  assert.match(
    failure?.message ?? '',
    new RegExp(`port ${port} is taken by pid ${pid} \\(.*stranger\\.mjs.*\\) of ${thief}`),
  );
  for (const words of ['production IS NOT VERIFIED HEALTHY', '-> sudo ss -ltnp', `-> systemctl restart ${unit}`]) {
    assert.match(called.stderr, words);
  }
  assert.is(await currentLink(site), first);
  await assertNothingLeft(site);

  await writeUnit(site);
  await sandbox.run('systemctl', 'stop', thief);
  // It may have been started again and again, to its limit.
  await sandbox.exec(['systemctl', 'reset-failed', unit]);
  await sandbox.run('systemctl', 'restart', unit);
  await until('the old build serves again', async () => (await whoServes(site))?.build === first);
  const repaired = await site.call('deploy');
  assert.equal([repaired.code, repaired.document.active], [0, second], repaired.stderr);
  await assertSound(site, second, called, repaired);
});

test('S4: the old build leaves at once since a stranger has its port: named, and not started again and again', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}] });
  const { sandbox } = site;
  const thief = await stealAtStop(site, ['RestartSec=30s', ...leavesWhereTaken(site)]);
  t.cleanup(() => sandbox.exec(['systemctl', 'stop', thief]));
  const called = await site.call('deploy');
  const { outcome, failure, active } = called.document;
  assert.equal([called.code, outcome, active, failure?.reason], [3, 'failed', first, 'port_taken'], called.stderr);
  const named = `of ${thief}`;
  assert.is(failure?.message.split(named).length, 2, `${failure?.message}: told once`);
  // Neither the start nor the gate that proves it sat through the tries that systemd makes by itself, 30 s apart.
  assert.is(await sandbox.run('systemctl', 'show', '--property=NRestarts', '--value', site.unit), '0');
  assert.not.match(called.stderr, 'is started once more');
  await assertNothingLeft(site);
});

test('S4: a stranger comes just before a build that leaves at once: it is named, and the build not blamed', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}] });
  const { sandbox } = site;
  await writeStranger(site);
  const thief = `thief-${site.app}.service`;
  const steal = `test "$(readlink ${site.builds}/current)" = ${first} || ${stealing(site, thief)}`;
  await writeUnit(site, [`ExecStartPre=-bash -c '${steal}'`, 'RestartSec=30s', ...leavesWhereTaken(site)]);
  t.cleanup(() => sandbox.exec(['systemctl', 'stop', thief]));
  const called = await site.call('deploy');
  const { outcome, failure } = called.document;
  assert.equal(
    [called.code, outcome, failure?.step, failure?.reason],
    [3, 'failed', 'start', 'port_taken'],
    called.stderr,
  );
  await assertNothingLeft(site);

  await sandbox.run('systemctl', 'stop', thief);
  await writeUnit(site);
  const again = await site.call('deploy', ['--fix-forward']);
  assert.equal([again.code, again.document.active], [0, second], 'the build is picked by itself');
  await assertSound(site, second, again);
});

test('S4: a stranger that answers well in the place of a build that never listens is no proof', async (t) => {
  const site = await makeSite(t, { builds: [{}, { mode: 'never_listen' }] });
  const { sandbox } = site;
  await writeStranger(site);
  const thief = `thief-${site.app}.service`;
  await writeUnit(site, [
    `ExecStartPost=-bash -c 'test "$(readlink ${site.builds}/current)" = ${first} || ${stealing(site, thief)}'`,
  ]);
  t.cleanup(() => sandbox.exec(['systemctl', 'stop', thief]));
  const called = await site.call('deploy');
  const { outcome, failure } = called.document;
  assert.equal([called.code, outcome], [3, 'failed'], called.stderr);
  assert.is(failure?.reason, 'port_taken');
  assert.match(failure?.message ?? '', `of ${thief}`);
  assert.ok(Number(await mainPid(site, thief)) > 0, 'the stranger lives');
  assert.is(await currentLink(site), first, 'the link is back, although the old build cannot listen');
  await assertNothingLeft(site);
});

/** A stop ends the shell alone, and leaves the program that it started. */
const leavesChild = ['ExecStart=', `ExecStart=/bin/bash -c '${process.execPath} app.mjs & wait'`, 'KillMode=process'];

test('S4: what the old build left behind in its own unit is ended', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}], service: leavesChild });
  const old = await whoServes(site);
  const called = await site.call('deploy');
  assert.equal([called.code, called.document.active], [0, second], called.stderr);
  assert.is((await whoServes(site))?.build, second);
  assert.is((await site.sandbox.exec(['test', '-d', `/proc/${old?.pid}`])).code, 1, 'the old process is gone');
  await site.sandbox.run('systemctl', 'kill', '--signal=KILL', site.unit);
  await assertNothingLeft(site);
});

test('S4: what a bad build leaves behind in its unit is ended before the old one is started again', async (t) => {
  const site = await makeSite(t, { builds: [{}, { mode: 'status' }], service: leavesChild });
  const called = await site.call('deploy');
  const { outcome, active, failure } = called.document;
  assert.equal([called.code, outcome, active, failure?.reason], [4, 'rolled_back', first, 'health'], called.stderr);
  assert.is((await whoServes(site))?.build, first);
  const fromSecond = `readlink /proc/[0-9]*/cwd | grep ${site.builds}/${second}`;
  assert.is((await site.sandbox.exec(['bash', '-c', fromSecond])).stdout, '', 'nothing runs from the bad build');
  await site.sandbox.run('systemctl', 'kill', '--signal=KILL', site.unit);
  await assertNothingLeft(site);
});

test('S4: what a first build that was bad leaves behind in its unit is ended too', async (t) => {
  const site = await makeSite(t, { builds: [{ mode: 'status' }], service: leavesChild, isDeployed: false });
  const called = await site.call('deploy');
  assert.equal([called.code, called.document.active], [3, null], called.stderr);
  assert.is(await whoServes(site), null);
  await assertSound(site, null, called);
});
