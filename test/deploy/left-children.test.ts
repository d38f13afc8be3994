// needs: sandbox
import { writeFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { suite } from '../suite.ts';
import { buildId, makeSite, type Site, until } from './site.ts';
import { makeOverlapSite, makeSocketSite } from './socket-site.ts';
import { assertNothingLeft, assertSound, whoServes } from './sound.ts';

const test = suite('deploy/children that a stop leaves');
const [first, second] = [buildId(1), buildId(2)];

/** A stop ends the shell alone, and leaves the program that has its socket. */
const leavesChild = [
  'ExecStart=',
  `ExecStart=/bin/bash -c 'unset LISTEN_PID; ${process.execPath} app.mjs & wait'`,
  'KillMode=process',
];

test('S4: what a bad build leaves to work on without a port is ended too', async (t) => {
  // A stop ends the program alone: its worker has no port, and takes jobs.
  const start = `if test -e works; then sleep infinity & fi; exec ${process.execPath} app.mjs`;
  const service = ['ExecStart=', `ExecStart=/bin/bash -c '${start}'`, 'KillMode=process'];
  const site = await makeSite(t, { builds: [{}, { mode: 'status' }], service });
  await writeFile(site.sandbox.hostPath(`${site.builds}/${second}/works`), '');
  const called = await site.call('deploy');
  const { outcome, active, failure } = called.document;
  assert.equal([called.code, outcome, active, failure?.reason], [4, 'rolled_back', first, 'health'], called.stderr);
  assert.is(await processesFrom(site, second), '', 'nothing runs from the bad build');
  await assertSound(site, first, called);
});

for (const [what, behaviour] of [
  ['ends when it is told to', {}],
  ['does not end when it is told to', { mode: 'ignore_sigterm' }],
] as const) {
  test(`S5: a child that the old build leaves behind a socket, and that ${what}, listens no more`, async (t) => {
    const site = await makeSocketSite(t, {
      builds: [behaviour],
      service: leavesChild,
      tables: { stop: ['timeout = "2s"'] },
    });
    await site.add();
    const called = await site.call('deploy');
    assert.equal([called.code, called.document.active], [0, second], called.stderr);
    assert.equal(await listenersFrom(site, first), []);
    assert.match(called.stderr, /processes of the build before were left in \S+, and ended/);
    await endAll(site);
  });
}

test('S4: behind a socket, a child of the old build does not pass the gate for a candidate that never listens', async (t) => {
  const site = await makeSocketSite(t, { builds: [{}], service: leavesChild });
  await site.add({ mode: 'crash', startMs: 1_500 });
  const called = await site.call('deploy');
  const { outcome, active } = called.document;
  assert.equal([called.code, outcome, active], [4, 'rolled_back', first], called.stderr);
  assert.is((await whoServes(site))?.build, first);
  await endAll(site);
});

for (const [what, behaviour, build] of [
  ['a bad candidate', { mode: 'status' }, first],
  ['a good one', {}, second],
] as const) {
  test(`S4: a child that the stand-in of ${what} leaves is ended with it`, async (t) => {
    const site = await makeOverlapSite(t, { builds: [{}], service: leavesChild });
    await site.add(behaviour);
    const called = await site.call('deploy');
    assert.is(called.document.active, build, called.stderr);
    const list = ['systemctl', 'list-units', `${site.app}-next@*`, '--all', '--plain', '--no-legend'] as const;
    // The kernel tells systemd of the last process's end a moment after it tells us.
    await until('no stand-in is left', async () => (await site.sandbox.run(...list)) === '');
    if (build === first) assert.is(await processesFrom(site, second), '', 'nothing runs from the bad build');
    await endAll(site);
  });
}

test('S1: the socket was closed, and a child that was left has the port: it is ended, and the socket is opened again', async (t) => {
  const site = await makeSocketSite(t, { builds: [{}], service: leavesChild });
  await site.add();
  await site.sandbox.run('systemctl', 'stop', site.socket, site.unit);
  assert.is((await whoServes(site))?.build, first, 'the child is left');
  const called = await site.call('deploy', ['--fix-forward']);
  assert.equal([called.code, called.document.active], [0, second], called.stderr);
  await site.sandbox.run('systemctl', 'is-active', site.socket);
  assert.is(await processesFrom(site, first), '', 'nothing runs from the old build');
  await endAll(site);
});

/** The processes that run from a build, a line each. */
async function processesFrom({ sandbox, builds }: Site, build: string): Promise<string> {
  const found = await sandbox.exec(['bash', '-c', `ls -l /proc/[0-9]*/cwd 2>/dev/null | grep ${builds}/${build}`]);
  return found.stdout;
}

/** Those of them that listen. */
async function listenersFrom(site: Site, build: string): Promise<number[]> {
  const pids = [...(await processesFrom(site, build)).matchAll(/\/proc\/(\d+)\//g)].map(([, pid]) => pid);
  const { stdout } = await site.sandbox.exec(['ss', '-Hltnp', `sport = :${site.port}`]);
  return [...stdout.matchAll(/pid=(\d+)/g)].flatMap(([, pid]) => (pids.includes(pid) ? [Number(pid)] : []));
}

/** What the stop at the test's end would leave. */
async function endAll(site: Site): Promise<void> {
  const { sandbox, unit, socket } = site;
  await sandbox.exec(['systemctl', 'stop', ...(socket === undefined ? [] : [socket]), unit]);
  await sandbox.exec(['systemctl', 'kill', '--signal=KILL', unit]);
  await assertNothingLeft(site);
}
