// needs: sandbox
import { readFile, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import type { DryRun } from '../../lib/deployer/dry-run.ts';
import { suite } from '../suite.ts';
import { buildId, makeSite } from './site.ts';
import { assertSound, currentLink, whoServes } from './sound.ts';

const test = suite('deploy/good paths');
const [first, second, third] = [buildId(1), buildId(2), buildId(3)];
const steps = ['stop', 'free-port', 'swap', 'start', 'gate'];

test('S2: a first deploy, with no current', async (t) => {
  const site = await makeSite(t, { isDeployed: false });
  const called = await site.call('deploy');
  const { document } = called;
  assert.is(called.code, 0, called.stderr);
  assert.equal([document.outcome, document.from, document.to, document.active], ['deployed', null, first, first]);
  assert.is(document.failure, null);
  await assertSound(site, first, called);
});

test('S12: after a first deploy it is said when nothing starts the unit at boot', async (t) => {
  const site = await makeSite(t, { isDeployed: false });
  const hint = `note: nothing starts ${site.unit} at boot -> systemctl enable ${site.unit}`;
  assert.match((await site.call('deploy')).stderr, hint);
  const enabled = await makeSite(t, { isDeployed: false });
  await enabled.sandbox.run('systemctl', 'enable', enabled.unit);
  t.cleanup(() => enabled.sandbox.exec(['systemctl', 'disable', enabled.unit]));
  assert.not.match((await enabled.call('deploy')).stderr, 'at boot');
});

test('S2: the newest build, its downtime measured, its steps told in the order they happen', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}, {}] });
  const called = await site.call('deploy');
  const { document } = called;
  assert.is(called.code, 0, called.stderr);
  assert.equal([document.outcome, document.from, document.to, document.active], ['deployed', first, third, third]);
  assert.equal(
    document.steps.map(({ name, status }) => `${name} ${status}`),
    steps.map((name) => `${name} done`),
  );
  assert.ok((document.downtime_ms ?? 0) > 0, `downtime ${document.downtime_ms}`);
  assert.is(document.longest_wait_ms, null);
  assert.ok(
    (document.downtime_ms ?? 0) < document.duration_ms,
    `downtime ${document.downtime_ms} of ${document.duration_ms}`,
  );
  assert.match(document.started_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  const asked = [
    'unit',
    'unit_file',
    'restart_limit',
    'port',
    'disk',
    'memory',
    'health',
    'builds',
    'candidate',
    'in_flight',
  ];
  assert.equal(
    document.checks.map(({ name, status }) => `${name} ${status}`),
    asked.map((name) => `${name} pass`),
  );
  await assertSound(site, third, called);
});

test('S10: a log file for the run, with its checks, steps and outcome', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}] });
  await untilNextSecond();
  const { document } = await site.call('deploy');
  const path = `${site.logs}/deployment-${site.unit}-${document.run?.slice(0, 15)}.log`;
  const log = await readFile(site.sandbox.hostPath(path), 'utf8');
  for (const word of [...steps, 'restart_limit', 'candidate'])
    assert.match(log, new RegExp(` ✓ ${word} `), `${word} in ${log}`);
  assert.match(log, `deploy ${first} -> ${second}`);
  assert.match(log, `production serves ${second}, proven healthy in`);
  assert.equal(JSON.parse(log.trimEnd().split('\n').at(-1) ?? ''), document);
  for (const line of log.trimEnd().split('\n').slice(0, -1)) assert.match(line, /^\d{4}-\d\d-\d\dT[\d:.]+Z /);
  assert.is((await site.tell('logs')).stdout, log.trimEnd());
});

test('S2: nothing to do when the newest build serves already', async (t) => {
  const site = await makeSite(t);
  const before = await whoServes(site);
  const called = await site.call('deploy');
  assert.equal([called.code, called.document.outcome, called.document.active], [0, 'unchanged', first]);
  assert.equal(called.document.steps, []);
  assert.is(called.document.downtime_ms, 0);
  assert.equal(await whoServes(site), before);
  await assertSound(site, first, called);
});

test('S2: a build by its name, its stamp, its path', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}, {}] });
  const names: [string, string][] = [
    [second, second],
    [third.slice('dist.'.length), third],
    [`${site.builds}/${first}`, first],
    [`./${second}`, second],
    [`${site.builds}/current`, second],
  ];
  for (const [name, id] of names) {
    const called = await site.call('deploy', [name], { cwd: site.builds });
    assert.equal([called.code, called.document.to], [0, id], called.stderr);
    assert.is(await currentLink(site), id);
  }
  await assertSound(site, second);
});

test('--dry-run lists the steps and changes nothing', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}] });
  const { sandbox, state, logs, builds } = site;
  const look = () => sandbox.run('find', state, logs, builds, '-printf', '%p %l %T@ %s\n');
  const before = [await look(), await whoServes(site)];
  const { code, document } = await site.call<DryRun>('deploy', ['--dry-run']);
  assert.equal([code, document.from, document.to, document.safe], [0, first, second, true]);
  assert.equal(
    document.steps.map(({ name }) => name),
    steps,
  );
  assert.match(document.steps[2]?.does ?? '', `point ${builds}/current at ${second}`);
  assert.match((await site.tell('deploy', '--dry-run')).stdout, `${first} -> ${second}\n  stop `);
  assert.equal([await look(), await whoServes(site)], before);
  await assertSound(site, first);
});

test('S12: a unit file that changed on the disk is read again before the start', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}] });
  const { sandbox, unit } = site;
  const path = sandbox.hostPath(`/etc/systemd/system/${unit}`);
  await writeFile(path, (await readFile(path, 'utf8')).replace('[Service]', '[Service]\nEnvironment=NEWS=yes'));
  assert.is(await sandbox.run('systemctl', 'show', '-p', 'NeedDaemonReload', '--value', unit), 'yes');
  const called = await site.call('deploy');
  assert.is(called.code, 0, called.stderr);
  const answer = called.document.checks.find(({ name }) => name === 'unit_file');
  assert.equal([answer?.status, answer?.observed], ['warn', 'the unit file changed on the disk']);
  assert.is(await sandbox.run('systemctl', 'show', '-p', 'NeedDaemonReload', '--value', unit), 'no');
  const environment = await sandbox.run('cat', `/proc/${(await whoServes(site))?.pid}/environ`);
  assert.match(environment, 'NEWS=yes');
  await assertSound(site, second, called);
});

test('S4: a build that failed is not picked again by itself, but may be named', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}, { mode: 'crash' }] });
  assert.is((await site.call('deploy')).code, 4);
  const next = await site.call('deploy');
  assert.equal([next.code, next.document.to], [0, second], 'the newest one that has not failed');
  const named = await site.call('deploy', [third]);
  assert.equal([named.code, named.document.to, named.document.active], [4, third, second]);
  await writeFile(site.sandbox.hostPath(`${site.builds}/${third}/behaviour.json`), '{}');
  const mended = await site.call('deploy', [third]);
  assert.equal([mended.code, mended.document.active], [0, third]);
  const rows = (await site.call<{ builds: { id: string; state: string }[] }>('builds')).document.builds;
  assert.equal(
    rows.map(({ id, state }) => [id, state]),
    [
      [third, 'current'],
      [second, 'previous'],
      [first, 'good'],
    ],
  );
  await assertSound(site, third, mended);
});

test('S5: an old build that ignores SIGTERM is killed after TimeoutStopSec=, and the deploy succeeds', async (t) => {
  const site = await makeSite(t, { builds: [{ mode: 'ignore_sigterm' }, {}], service: ['TimeoutStopSec=500ms'] });
  const called = await site.call('deploy');
  assert.equal([called.code, called.document.active], [0, second], called.stderr);
  assert.ok((called.document.steps[0]?.duration_ms ?? 0) >= 500);
  await assertSound(site, second, called);
});

test("S12: stop.timeout is shorter than the unit's own, and holds", async (t) => {
  const site = await makeSite(t, {
    builds: [{ mode: 'ignore_sigterm' }, {}],
    service: ['TimeoutStopSec=60'],
    tables: { stop: ['timeout = "400ms"'] },
  });
  const called = await site.call('deploy');
  assert.equal([called.code, called.document.active], [0, second], called.stderr);
  assert.ok(called.document.duration_ms < 30_000);
  await assertSound(site, second, called);
});

test('S12: a build that is slow to start is waited for', async (t) => {
  const site = await makeSite(t, { builds: [{}, { mode: 'slow_start', startMs: 1500 }] });
  const called = await site.call('deploy');
  assert.equal([called.code, called.document.active], [0, second], called.stderr);
  assert.ok((called.document.downtime_ms ?? 0) >= 1500);
  await assertSound(site, second, called);
});

/** A log is named after the second of its run: those of two runs in one would be one. */
function untilNextSecond(): Promise<void> {
  return sleep(1000 - (Date.now() % 1000));
}
