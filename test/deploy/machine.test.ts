// needs: sandbox
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import type { CheckReport } from '../../lib/deployer/check.ts';
import type { RunDocument } from '../../lib/run/document.ts';
import { suite } from '../suite.ts';
import { buildId, type Called, makeSite, pointCurrent, type Refusal, type Site, until } from './site.ts';
import { assertSound, whoServes } from './sound.ts';

const test = suite('deploy/bad machine');
const [first, second] = [buildId(1), buildId(2)];

/** A deploy that a check refuses: exit 1, and the check says what it saw and what to type. */
async function refuses(site: Site, name: string, observed: RegExp, mend: RegExp): Promise<Called> {
  const called = await site.call('deploy');
  const { outcome, exit_code, checks, steps } = called.document;
  assert.equal([called.code, exit_code, outcome, steps], [1, 1, 'refused', []], called.stderr);
  const answer = checks.find((check) => check.name === name);
  assert.is(answer?.status, 'fail', `${name}: ${JSON.stringify(answer)}`);
  if (!answer) return called;
  assert.match(answer.observed, observed);
  assert.match(answer.mend ?? '', mend);
  assert.match(called.stderr, `-> ${answer.mend}`);
  const check = await site.call<{ safe: boolean; target: string; checks: RunDocument['checks'] }>('check');
  assert.equal([check.code, check.document.safe, check.document.target], [1, false, 'production']);
  const again = check.document.checks.find((one) => one.name === name)?.observed ?? '';
  // Others write to the same disk meanwhile.
  if (name === 'disk') assert.match(again, observed);
  else assert.is(again, answer.observed);
  return called;
}

test('S1: no such unit', async (t) => {
  const site = await makeSite(t, { isDeployed: false });
  await rm(site.sandbox.hostPath(`/etc/systemd/system/${site.unit}`));
  await site.sandbox.run('systemctl', 'daemon-reload');
  await refuses(site, 'unit', /^no such unit$/, new RegExp(`^systemctl list-unit-files '${site.unit}'$`));
  await assertSound(site, null);
});

test('S1: a masked unit', async (t) => {
  const site = await makeSite(t, { isDeployed: false });
  await rm(site.sandbox.hostPath(`/etc/systemd/system/${site.unit}`));
  await site.sandbox.run('systemctl', 'mask', '--runtime', site.unit);
  t.cleanup(() => site.sandbox.run('systemctl', 'unmask', '--runtime', site.unit));
  await refuses(site, 'unit', /^masked$/, new RegExp(`^systemctl unmask ${site.unit}$`));
  await assertSound(site, null);
});

test('S1: a unit file that systemd cannot read', async (t) => {
  const site = await makeSite(t, { isDeployed: false });
  await writeFile(site.sandbox.hostPath(`/etc/systemd/system/${site.unit}`), '[Service]\nType=exec\n');
  await site.sandbox.run('systemctl', 'daemon-reload');
  await refuses(site, 'unit', /^bad-setting/, new RegExp(`^systemd-analyze verify ${site.unit}$`));
  await assertSound(site, null);
});

test('S1: a failed unit: both ways out are named', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}], service: ['Restart=no'] });
  await site.sandbox.run('systemctl', 'kill', '--signal=KILL', '--kill-who=main', site.unit);
  const isFailed = async (): Promise<boolean> =>
    (await site.sandbox.exec(['systemctl', 'is-failed', site.unit])).code === 0;
  await until('it has failed', isFailed);
  await refuses(
    site,
    'unit',
    /^failed: signal$/,
    /cutover rollback production or cutover deploy production --fix-forward$/,
  );
  const repaired = await site.call('deploy', ['--fix-forward']);
  assert.equal([repaired.code, repaired.document.active], [0, second], repaired.stderr);
  await assertSound(site, second, repaired);
});

test('S1: a port that belongs to a socket unit, where the service is to open it itself', async (t) => {
  const site = await makeSite(t, { isDeployed: false });
  const { sandbox, app, port, unit } = site;
  const [socket, path] = [`${app}.socket`, sandbox.hostPath(`/etc/systemd/system/${app}.socket`)];
  await writeFile(path, `[Socket]\nListenStream=${port}\n`);
  t.cleanup(async () => {
    await sandbox.run('systemctl', 'stop', socket);
    await rm(path);
  });
  await sandbox.run('systemctl', 'daemon-reload');
  await pointCurrent(site, first);
  await sandbox.run('systemctl', 'start', socket, unit);
  const before = await whoServes(site);
  const named = new RegExp(`^the port belongs to ${app}\\.socket$`);
  await refuses(
    site,
    'port',
    named,
    new RegExp(`^systemctl disable --now ${app}\\.socket, or set .*strategy = "socket"$`),
  );
  assert.equal(await whoServes(site), before);
  await assertSound(site, first);
});

test('S1: the service does not answer', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}] });
  await site.configure({ tables: { health: ['timeout = "300ms"'] } });
  const pid = String((await whoServes(site))?.pid);
  await site.sandbox.run('kill', '-STOP', pid);
  await refuses(
    site,
    'health',
    /no answer within 0\.3 s$/,
    /cutover rollback production or cutover deploy production --fix-forward$/,
  );
  await site.sandbox.run('kill', '-CONT', pid);
  await assertSound(site, first);
});

test('S1: disk and memory over their limits', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}] });
  await site.configure({ tables: { limits: ['disk_used = "1M"', 'memory_available = "900000G"'] } });
  const called = await refuses(site, 'disk', /^\d+ % used at \//, /du -xsh/);
  const memory = called.document.checks.find(({ name }) => name === 'memory');
  assert.match(memory?.observed ?? '', /^[\d.]+[KMGT] available$/);
  assert.is(memory?.mend, 'ps -eo rss,pid,args --sort=-rss | head');
  await assertSound(site, first, called);
});

test('S1, S6: current points nowhere, outside, at no build, or is a directory', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}] });
  const { sandbox, builds } = site;
  await pointCurrent(site, 'dist.20200101-000000');
  await refuses(
    site,
    'builds',
    /^current points at dist\.20200101-000000, which does not exist$/,
    /^ln -s .* && mv -T /,
  );
  await pointCurrent(site, '/usr/lib');
  await refuses(site, 'builds', /^current leads outside, to \/usr\/lib$/, /ln -s .* && mv -T /);
  await mkdir(sandbox.hostPath(`${builds}/other`));
  await pointCurrent(site, 'other');
  await refuses(site, 'builds', /^current leads to .*\/other, which is not named as a build$/, /ln -s .* && mv -T /);
  await rm(sandbox.hostPath(`${builds}/current`));
  await rename(sandbox.hostPath(`${builds}/other`), sandbox.hostPath(`${builds}/current`));
  await refuses(
    site,
    'builds',
    /^current is a directory$/,
    new RegExp(
      `^mv ${builds}/current ${builds}/current.saved && ln -s ${first} ${builds}/current, then cutover deploy`,
    ),
  );
  await pointCurrent(site, first);
  await assertSound(site, first);
});

test('no builds: exit 2', async (t) => {
  const site = await makeSite(t, { builds: [], isDeployed: false });
  const called = await site.call('deploy');
  assert.equal([called.code, called.document.outcome, called.document.exit_code], [2, 'refused', 2]);
  const answer = called.document.checks.find(({ name }) => name === 'candidate');
  assert.equal([answer?.status, answer?.observed], ['fail', 'there is no build to deploy']);
  await assertSound(site, null, called);
});

test('an empty, half-copied newest build: exit 2, named with what to type', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}] });
  const { sandbox, builds } = site;
  await rm(sandbox.hostPath(`${builds}/${second}/app.mjs`));
  await rm(sandbox.hostPath(`${builds}/${second}/behaviour.json`), { force: true });
  const called = await site.call('deploy');
  assert.equal([called.code, called.document.outcome, called.document.to], [2, 'refused', second], called.stderr);
  const answer = called.document.checks.find(({ name }) => name === 'candidate');
  assert.equal([answer?.observed, answer?.mend], [`${second} is empty`, `rm -r ${builds}/${second}, or copy it again`]);
  await assertSound(site, first, called);
});

test('S4: a build that lost a part while it was copied', async (t) => {
  const site = await makeSite(t, { builds: [{}, { mode: 'good' }] });
  await rm(site.sandbox.hostPath(`${site.builds}/${second}/app.mjs`));
  const called = await site.call('deploy');
  assert.equal(
    [called.code, called.document.outcome, called.document.active],
    [4, 'rolled_back', first],
    called.stderr,
  );
  assert.equal([called.document.failure?.step, called.document.failure?.reason], ['start', 'exited']);
  assert.match(called.stderr, 'Cannot find module');
  // What it said is shown, and that is a stack trace of its own.
  await assertSound(site, first);
});

test("a build that the unit's user cannot read: exit 2, although we can", async (t) => {
  const site = await makeSite(t, { builds: [{}, {}], service: ['User=65534'] });
  await site.sandbox.run('chmod', '700', `${site.builds}/${second}`);
  const called = await site.call('deploy');
  assert.equal([called.code, called.document.outcome], [2, 'refused'], called.stderr);
  const answer = called.document.checks.find(({ name }) => name === 'candidate');
  assert.match(answer?.observed ?? '', `${second} is out of reach for user 65534`);
  await assertSound(site, first, called);
});

test('the builds directory is gone: exit 2', async (t) => {
  const site = await makeSite(t, { isDeployed: false });
  await rm(site.sandbox.hostPath(site.builds), { recursive: true });
  const called = await site.call<Refusal>('deploy');
  assert.equal(
    [called.code, called.document.error.code, called.document.error.mend],
    [2, 'no_build', `mkdir -p ${site.builds}`],
  );
  await assertSound(site, null);
});

test('S1: the builds directory is gone, before the first deploy and behind a service that runs: the check says so, exit 1', async (t) => {
  for (const isDeployed of [false, true]) {
    const site = await makeSite(t, { isDeployed });
    await rm(site.sandbox.hostPath(site.builds), { recursive: true });
    const called = await site.call<CheckReport>('check');
    const { safe, checks } = called.document;
    const builds = checks.find(({ name }) => name === 'builds');
    assert.equal([called.code, safe, builds?.status], [1, false, 'fail'], called.stdout + called.stderr);
    assert.is(builds?.observed, `the builds directory ${site.builds} does not exist`);
    assert.is(builds?.mend, `mkdir -p ${site.builds}`);
    assert.is(checks.find(({ name }) => name === 'unit')?.status, 'pass');
  }
});
