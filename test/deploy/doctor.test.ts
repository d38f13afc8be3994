// needs: sandbox
// deadline: 10min
import { appendFile, rm, writeFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import type { Finding } from '../../lib/checks/check.ts';
import type { CheckReport } from '../../lib/deployer/check.ts';
import { suite, type TestContext } from '../suite.ts';
import { buildId, makeSite, type Site, until } from './site.ts';
import { makeOverlapSite, makeSocketSite } from './socket-site.ts';
import { assertSound } from './sound.ts';

const test = suite('deploy/doctor');
const [first, second] = [buildId(1), buildId(2)];

/** What `check` finds in the unit's files, but for what the speed of the machine has it find. */
async function look(site: Site): Promise<{ code: number | null; found: Finding[] }> {
  const { code, document, stderr } = await site.call<CheckReport>('check');
  const answer = document.checks.find(({ name }) => name === 'unit_file');
  const found = answer?.findings ?? [];
  assert.ok(found.length > 0, stderr);
  const statuses = found.map(({ status }) => status);
  const worst = (['fail', 'warn', 'pass'] as const).find((status) => statuses.includes(status));
  assert.is(answer?.status, worst);
  return { code, found: found.filter((finding) => !isUsualQueue(finding)) };
}

function badOf(found: Finding[]): string[] {
  return found.filter(({ status }) => status !== 'pass').map(({ rule, status }) => `${rule} ${status}`);
}

/** A restart that took long, on a slow machine, makes even the usual queue look short. */
function isUsualQueue({ rule, observed }: Finding): boolean {
  return rule === 'backlog' && /^(Backlog=|net\.core\.somaxconn is )4096\b/.test(observed);
}

/** Writes lines beside a unit's file, as the text of a finding says to, or as a person should not. */
async function dropIn(t: TestContext, { sandbox }: Site, unit: string, ...lines: string[]): Promise<void> {
  const folder = `/etc/systemd/system/${unit}.d`;
  await sandbox.run('mkdir', '-p', folder);
  await writeFile(sandbox.hostPath(`${folder}/zz.conf`), `${lines.join('\n')}\n`);
  t.cleanup(() => rm(sandbox.hostPath(`${folder}/zz.conf`), { force: true }));
  await sandbox.run('systemctl', 'daemon-reload');
}

const unwritten = (site: Site, unit: string): Promise<void> =>
  rm(site.sandbox.hostPath(`/etc/systemd/system/${unit}.d/zz.conf`)).then(async () => {
    await site.sandbox.run('systemctl', 'daemon-reload');
  });

/** The lines that a finding says to write. */
function linesToWrite({ mend }: Finding): string[] {
  const lines = (mend ?? '').split('\n').slice(1);
  const end = lines.findIndex((line) => line.startsWith('and once'));
  return end < 0 ? lines : lines.slice(0, end);
}

test('S12: a program that is not there: refused before anything is stopped', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}] });
  await dropIn(
    t,
    site,
    site.unit,
    '[Service]',
    'ExecStartPre=-/usr/bin/none',
    'ExecStart=',
    'ExecStart=@/usr/bin/nodex x',
  );
  const { code, found } = await look(site);
  assert.is(code, 1);
  const [bad, ...others] = found.filter(({ status }) => status === 'fail');
  assert.equal(
    [bad?.rule, bad?.observed, others],
    ['programs', 'ExecStart= starts /usr/bin/nodex, which is not there', []],
  );
  const called = await site.call('deploy');
  assert.equal([called.code, called.document.outcome], [1, 'refused'], called.stderr);
  await assertSound(site, first, called);
  await dropIn(
    t,
    site,
    site.unit,
    '[Service]',
    'BindReadOnlyPaths=/usr/bin/env:/usr/bin/nodex',
    'ExecStart=',
    'ExecStart=/usr/bin/nodex x',
  );
  assert.not.ok(badOf((await look(site)).found).includes('programs fail'));
});

test('S12: an alias is told by the name that systemd signals', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}] });
  const { sandbox, unit, config } = site;
  const alias = `other-${unit}`;
  const link = `/etc/systemd/system/${alias}`;
  t.cleanup(() => rm(sandbox.hostPath(link), { force: true }));
  await sandbox.run('ln', '-s', unit, link);
  await sandbox.run('systemctl', 'daemon-reload');
  await sandbox.run('sed', '-i', `s/^unit = .*/unit = "${alias}"/`, config);
  const called = await site.call('deploy');
  assert.equal([called.code, called.document.outcome], [1, 'refused'], called.stderr);
  assert.match(called.stderr, new RegExp(`✗ unit_file .*${alias} is an alias of ${unit}`));
  assert.match(called.stderr, `unit = "${unit}" in the configuration`);
});

test('S12: a sound unit passes every rule, with any strategy', async (t) => {
  for (const site of [
    await makeSite(t, { builds: [{}, {}] }),
    await makeSocketSite(t, { builds: [{}] }),
    await makeOverlapSite(t, { builds: [{}] }),
  ]) {
    const { code, found } = await look(site);
    assert.equal([code, badOf(found)], [0, []], JSON.stringify(found));
  }
});

test('S12: what is bad in a real unit is found, and the lines to write mend it', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}] });
  const { builds, unit } = site;
  const rows: [rule: string, status: Finding['status'], observed: RegExp, lines: string[]][] = [
    [
      'pinned_build',
      'fail',
      new RegExp(`^WorkingDirectory= names ${first}`),
      ['[Service]', `WorkingDirectory=${builds}/${first}`],
    ],
    [
      'pinned_build',
      'fail',
      new RegExp(`^ExecStart= names ${first}`),
      ['[Service]', 'ExecStart=', `ExecStart=${process.execPath} ${builds}/${first}/app.mjs "a b" $PORT 100%%`],
    ],
    ['working_directory', 'fail', /^WorkingDirectory=-\//, ['[Service]', `WorkingDirectory=-${builds}/current`]],
    ['stopping', 'warn', /^KillMode=process/, ['[Service]', 'KillMode=process']],
    ['stopping', 'warn', /^SendSIGKILL=no/, ['[Service]', 'SendSIGKILL=no']],
    ['stopping', 'warn', /^TimeoutStopSec= is 60s/, ['[Service]', 'TimeoutStopSec=60']],
    ['stopping', 'warn', /^TimeoutStopSec= is infinity/, ['[Service]', 'TimeoutStopSec=infinity']],
    ['restarting', 'warn', /^Restart=always without a pause/, ['[Service]', 'RestartSec=0']],
    ['start_limit', 'warn', /^1 starts in 300 s/, ['[Unit]', 'StartLimitBurst=1']],
    ['start_limit', 'warn', /^StartLimitAction=reboot/, ['[Unit]', 'StartLimitAction=reboot']],
    ['start_limit', 'fail', /^RefuseManualStart=yes/, ['[Unit]', 'RefuseManualStart=yes']],
    ['start_limit', 'fail', /^RefuseManualStop=yes/, ['[Unit]', 'RefuseManualStop=yes']],
  ];
  for (const [rule, status, observed, lines] of rows) {
    await dropIn(t, site, unit, ...lines);
    const { code, found } = await look(site);
    assert.equal([code, badOf(found)], [status === 'fail' ? 1 : 0, [`${rule} ${status}`]], lines.join());
    const [bad] = found.filter((finding) => finding.status !== 'pass');
    assert.match(bad?.observed ?? '', observed);
    assert.match(bad?.mend ?? '', `systemctl edit ${unit}, and write:\n[`);
    if (!bad) continue;
    await dropIn(t, site, unit, ...lines, ...linesToWrite(bad));
    assert.equal(badOf((await look(site)).found), [], `${lines.join()} and ${linesToWrite(bad).join()}`);
  }
  await unwritten(site, unit);
  await assertSound(site, first);
});

test('S12: Type=simple is enough for a port of its own, and not where nobody else tells', async (t) => {
  const site = await makeSite(t, { service: ['Type=simple'] });
  assert.equal(badOf((await look(site)).found), []);
  const shared = await makeSocketSite(t, {});
  await dropIn(t, shared, shared.unit, '[Service]', 'Type=simple');
  assert.equal(badOf((await look(shared)).found), ['readiness warn']);
});

test('S12: a unit that another one holds up', async (t) => {
  const site = await makeSite(t);
  const boss = `/etc/systemd/system/${site.app}-boss.service`;
  await writeFile(
    site.sandbox.hostPath(boss),
    `[Unit]\nUpholds=${site.unit}\n[Service]\nExecStart=/bin/sleep infinity\n`,
  );
  t.cleanup(() => rm(site.sandbox.hostPath(boss), { force: true }));
  await site.sandbox.run('systemctl', 'daemon-reload');
  await site.sandbox.run('systemctl', 'start', `${site.app}-boss.service`);
  t.cleanup(() => site.sandbox.run('systemctl', 'stop', `${site.app}-boss.service`));
  assert.equal(badOf((await look(site)).found), ['restarting warn']);
});

test('S12: what would close a shared port, or stop who shares it, is found', async (t) => {
  const site = await makeOverlapSite(t, { builds: [{ startMs: 300 }] });
  await site.add();
  const { app, unit, socket, builds } = site;
  const template = `${app}-next@.service`;
  const rows: [rule: string, status: Finding['status'], of: string, lines: string[]][] = [
    ['start_limit', 'fail', unit, ['[Unit]', 'StartLimitIntervalSec=10']],
    ['start_limit', 'fail', template, ['[Unit]', 'StartLimitIntervalSec=10']],
    ['start_limit', 'warn', socket, ['[Socket]', 'TriggerLimitIntervalSec=2s']],
    ['restarting', 'fail', template, ['[Service]', 'Restart=always']],
    ['stand_in', 'fail', template, ['[Service]', `WorkingDirectory=${builds}/current`]],
    ['readiness', 'warn', template, ['[Service]', 'Type=simple']],
    ['non_blocking', 'warn', unit, ['[Service]', 'NonBlocking=no']],
    ['non_blocking', 'warn', template, ['[Service]', 'NonBlocking=no']],
    ['backlog', 'warn', socket, ['[Socket]', 'Backlog=100']],
    ['backlog', 'fail', socket, ['[Socket]', 'Backlog=63']],
  ];
  for (const [rule, status, of, lines] of rows) {
    await dropIn(t, site, of, ...lines);
    const { code, found } = await look(site);
    assert.equal([code, badOf(found)], [status === 'fail' ? 1 : 0, [`${rule} ${status}`]], `${of}: ${lines.join()}`);
    const [bad] = found.filter((finding) => finding.status !== 'pass');
    assert.match(bad?.mend ?? '', `systemctl edit ${of}, and write:\n[`);
    if (!bad) continue;
    await dropIn(t, site, of, ...lines, ...linesToWrite(bad));
    assert.equal(badOf((await look(site)).found), [], `${of}: ${linesToWrite(bad).join()}`);
    await unwritten(site, of);
  }
});

test('S12: units of a socket that take each other along are found', async (t) => {
  const site = await makeOverlapSite(t, { builds: [{}] });
  await site.add();
  const { app, unit, socket } = site;
  const template = `${app}-next@.service`;
  const rows: [status: Finding['status'], of: string, line: string][] = [
    ['fail', template, `Conflicts=${unit}`],
    ['fail', template, `PartOf=${unit}`],
    ['fail', template, `BindsTo=${unit}`],
    ['fail', unit, `Conflicts=${app}-next@${second}.service`],
    ['fail', socket, `PartOf=${unit}`],
    ['warn', unit, `PartOf=${socket}`],
  ];
  for (const [status, of, line] of rows) {
    await dropIn(t, site, of, '[Unit]', line);
    const { code, found } = await look(site);
    assert.equal([code, badOf(found)], [status === 'fail' ? 1 : 0, [`together ${status}`]], `${of}: ${line}`);
    const [bad] = found.filter((finding) => finding.status !== 'pass');
    assert.match(bad?.mend ?? '', `systemctl edit --full ${of}, and take `);
    await unwritten(site, of);
  }
});

test('S12: a stand-in that is not there, or is on no socket', async (t) => {
  const site = await makeOverlapSite(t, { builds: [{}] });
  await site.add();
  const path = site.sandbox.hostPath(`/etc/systemd/system/${site.app}-next@.service`);
  await writeFile(
    path,
    `[Unit]\nStartLimitIntervalSec=0\n[Service]\nType=exec\nWorkingDirectory=${site.builds}/%i\nExecStart=/bin/true\n`,
  );
  await site.sandbox.run('systemctl', 'daemon-reload');
  const { found } = await look(site);
  assert.equal(badOf(found), ['stand_in fail', 'non_blocking warn']);
  assert.match(found.find(({ rule }) => rule === 'stand_in')?.observed ?? '', `does not share ${site.socket}`);
  await rm(path);
  await site.sandbox.run('systemctl', 'daemon-reload');
  const called = await site.call('deploy');
  assert.equal([called.code, called.document.outcome], [1, 'refused'], called.stderr);
  assert.match(called.stderr, `stand_in: there is no ${site.app}-next@.service`);
});

test("S12: the kernel's queue counts: the machine's limit, and an application that sets its own", async (t) => {
  const site = await makeSocketSite(t, { builds: [{ startMs: 300 }] });
  const { sandbox } = site;
  await sandbox.run('sysctl', '-qw', 'net.core.somaxconn=100');
  t.cleanup(() => sandbox.run('sysctl', '-qw', 'net.core.somaxconn=4096'));
  const { found } = await look(site);
  assert.equal(badOf(found), ['backlog warn']);
  assert.is(found.find(({ rule }) => rule === 'backlog')?.observed, 'net.core.somaxconn is 100');
  await sandbox.run('systemctl', 'restart', site.unit);
  // It listens before it answers.
  await until('it answers', async () => (await site.call('check')).code === 0);
  await sandbox.run('sysctl', '-qw', 'net.core.somaxconn=4096');
  const own = (await look(site)).found.find(({ rule }) => rule === 'backlog');
  assert.equal([own?.status, own?.observed], ['warn', 'the application made the queue 100 long (Backlog=4096)']);
});

test('S12: the files of all units of a socket are to be as systemd knows them', async (t) => {
  const site = await makeSocketSite(t, { builds: [{}] });
  await appendFile(site.sandbox.hostPath(`/etc/systemd/system/${site.socket}`), '# changed\n');
  const { found } = await look(site);
  assert.equal(badOf(found), ['daemon_reload warn']);
  await site.sandbox.run('systemctl', 'daemon-reload');
  assert.equal(badOf((await look(site)).found), []);
});

test('S5: an application that hangs at its stop is told from one that never finishes draining', async (t) => {
  const hung = await makeSite(t, { builds: [{ mode: 'ignore_sigterm' }, {}], service: ['TimeoutStopSec=4s'] });
  assert.is((await hung.call('deploy')).code, 0);
  const [found] = (await look(hung)).found.filter(({ status }) => status === 'warn');
  assert.match(found?.observed ?? '', /^the application hangs: it kept its port and was killed after \d+(\.\d)?s/);
  // It closes its port at once, and that is at once only beside the time after which it is killed.
  const drains = await makeSite(t, { builds: [{}, {}], service: ['TimeoutStopSec=8s'] });
  // A request that is not answered yet keeps a draining application from its end.
  const ask = `fetch("http://127.0.0.1:${drains.port}/slow?ms=120000").catch(() => {})`;
  const child = await drains.sandbox.spawn([
    process.execPath,
    '-e',
    `${ask}; setTimeout(() => console.log("asked"), 200)`,
  ]);
  t.cleanup(() => child.kill('SIGKILL'));
  await new Promise((resolve) => child.stdout.once('data', resolve));
  assert.is((await drains.call('deploy')).code, 0);
  const [other] = (await look(drains)).found.filter(({ status }) => status === 'warn');
  assert.match(other?.observed ?? '', /^the application never finishes draining: it listened no more, yet was killed/);
});

test('S1, S12: a finding that fails refuses a deploy, one that warns does not; both are told as text', async (t) => {
  const site = await makeSite(t, { builds: [{}] });
  await site.add();
  const { unit, builds } = site;
  await dropIn(t, site, unit, '[Service]', `WorkingDirectory=-${builds}/current`, 'KillMode=process');
  const told = await site.tell('check');
  assert.is(told.code, 1);
  for (const text of [
    '  ✗ unit_file       2 findings\n',
    `                    ✗ working_directory: WorkingDirectory=-${builds}/current (expected: `,
    `                      -> systemctl edit ${unit}, and write:\n                           [Service]\n`,
    `                           WorkingDirectory=${builds}/current\n`,
    '                    ! stopping: KillMode=process',
    'production: 1 of 10 checks failed',
  ])
    assert.match(told.stdout + told.stderr, text);
  const refused = await site.call('deploy');
  assert.equal([refused.code, refused.document.outcome, refused.document.steps], [1, 'refused', []], refused.stderr);
  await assertSound(site, first);
  await dropIn(t, site, unit, '[Service]', 'KillMode=process');
  const deployed = await site.call('deploy');
  assert.equal([deployed.code, deployed.document.active], [0, second], deployed.stderr);
  const answer = deployed.document.checks.find(({ name }) => name === 'unit_file');
  assert.equal([answer?.status, badOf(answer?.findings ?? [])], ['warn', ['stopping warn']]);
  await assertSound(site, second, deployed);
});
