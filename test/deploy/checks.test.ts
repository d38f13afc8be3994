// needs: sandbox
// deadline: 10min
import { chmod, readFile, stat, writeFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import type { DryRun } from '../../lib/deployer/dry-run.ts';
import type { CheckAnswer } from '../../lib/checks/check.ts';
import type { CheckReport } from '../../lib/deployer/check.ts';
import { suite, type TestContext } from '../suite.ts';
import { ledger, startDeploy, untilBegun, untilSettled } from './running.ts';
import {
  breakInService,
  buildId,
  type Called,
  makeSite,
  type Refusal,
  type Site,
  type SiteOptions,
  until,
} from './site.ts';
import { makeOverlapSite, makeSocketSite } from './socket-site.ts';
import { assertSound, whoServes } from './sound.ts';

const test = suite('deploy/checks');
const [first, second, third] = [buildId(1), buildId(2), buildId(3)];

/** A site with configured checks, each a TOML table; PORT stands for its port and FOLDER for its folder. */
async function siteWith(t: TestContext, checks: string[], options: SiteOptions = {}): Promise<Site> {
  const site = await makeSite(t, { builds: [{}, {}], ...options, isDeployed: false });
  await configure(site, checks);
  if (options.isDeployed ?? true) {
    const { code, stderr } = await site.call('deploy', [first]);
    assert.is(code, 0, `the first deploy failed: ${stderr}`);
  }
  return site;
}

async function configure(site: Site, checks: string[], keys: string[] = [], health: string[] = []): Promise<void> {
  const tables = checks.map((check) => `{ ${check} }`).join(', ');
  const text = tables.replaceAll('PORT', `${site.port}`).replaceAll('FOLDER', site.folder);
  const limits = ['journal_errors = -1'];
  await site.configure({ keys: [`checks = [${text}]`, ...keys], tables: { limits, health } });
}

function answerTo(name: string, { checks }: { checks: CheckAnswer[] }, when?: 'after'): CheckAnswer {
  const found = checks.find((answer) => answer.name === name && answer.when === when);
  if (!found) throw new Error(`${name} was not asked: ${checks.map((answer) => answer.name).join(', ')}`);
  return found;
}

function stepsOf({ document }: Called): string[] {
  return document.steps.map(({ name, status }) => `${name} ${status}`);
}

const budget = 'name = "budget", kind = "command", run = "test ! -e FOLDER/spent || { echo all spent; exit 1; }"';
const login =
  'name = "login", kind = "http", url = "http://127.0.0.1:PORT/login", status = 401, when = ["before", "after"]';
const workers = (count: number, more = ''): string => `name = "workers", kind = "processes", count = ${count}${more}`;
const asksForLogin = { answers: { '/login': { status: 401 } } };

test('B4, P9: a bad answer before a deploy refuses it, and nothing is touched', async (t) => {
  const site = await siteWith(t, [budget]);
  const before = await whoServes(site);
  await site.sandbox.run('touch', `${site.folder}/spent`);
  const checked = await site.call<CheckReport>('check');
  assert.equal([checked.code, checked.document.safe, answerTo('budget', checked.document).status], [1, false, 'fail']);
  const called = await site.call('deploy');
  assert.equal([called.code, called.document.outcome], [1, 'refused'], called.stderr);
  const { status, observed, expected, mend } = answerTo('budget', called.document);
  assert.equal([status, observed, expected], ['fail', 'exit 1: all spent', 'exit 0']);
  assert.match(mend ?? '', `cd ${site.builds}/${second} && test ! -e ${site.folder}/spent`);
  assert.equal(await whoServes(site), before);
  await assertSound(site, first, called);
  await site.sandbox.run('rm', `${site.folder}/spent`);
  const again = await site.call('deploy');
  assert.equal([again.code, answerTo('budget', again.document).status], [0, 'pass'], again.stderr);
  const told = await site.tell('report');
  assert.match(told.stdout, /✓ budget/);
});

test('P9: a check that only warns, and one that is forced past, stop nothing', async (t) => {
  const site = await siteWith(t, [`${budget}, severity = "warn"`], { builds: [{}, {}, {}] });
  await site.sandbox.run('touch', `${site.folder}/spent`);
  const warned = await site.call('deploy', [second]);
  assert.equal([warned.code, answerTo('budget', warned.document).status], [0, 'warn'], warned.stderr);
  await configure(site, [budget], ['allow_force = true']);
  assert.is((await site.call('deploy', [third])).code, 1);
  const forced = await site.call('deploy', [third, '--force']);
  assert.equal([forced.code, answerTo('budget', forced.document).status], [0, 'fail'], forced.stderr);
});

test('S1: on a first deploy nobody asks the service that is not there yet; everything else is asked', async (t) => {
  const tcp = 'name = "open", kind = "tcp", port = PORT';
  const site = await siteWith(t, [login, tcp, workers(1), budget], { builds: [asksForLogin], isDeployed: false });
  const called = await site.call('deploy');
  assert.equal([called.code, called.document.outcome], [0, 'deployed'], called.stderr);
  for (const name of ['login', 'open', 'workers'])
    assert.is(answerTo(name, called.document).observed, 'nothing is deployed yet');
  assert.is(answerTo('budget', called.document).observed, 'exited with 0');
  assert.match(answerTo('login', called.document, 'after').observed, /^401 in/);
  const { document, code } = await site.call<CheckReport>('check');
  assert.is(code, 0);
  for (const name of ['login', 'open', 'workers']) assert.is(answerTo(name, document).status, 'pass');
  assert.is(answerTo('workers', document).observed, '1 process');
});

test('S1: a service that is down is repaired although it cannot answer; all else must still hold', async (t) => {
  const site = await siteWith(t, [workers(1), budget]);
  await breakInService(site, first);
  const refused = await site.call('deploy');
  assert.equal([refused.code, answerTo('workers', refused.document).observed], [1, '0 processes']);
  await site.sandbox.run('touch', `${site.folder}/spent`);
  const still = await site.call('deploy', ['--fix-forward']);
  assert.equal([still.code, answerTo('workers', still.document).status], [1, 'warn']);
  assert.is(answerTo('budget', still.document).status, 'fail');
  await site.sandbox.run('rm', `${site.folder}/spent`);
  const called = await site.call('deploy', ['--fix-forward']);
  assert.equal([called.code, called.document.outcome], [0, 'deployed'], called.stderr);
  await assertSound(site, second, called);
});

test('P7: a bad answer after the gate takes the deploy back; on the way back nothing is asked', async (t) => {
  const counted = 'name = "counted", kind = "command", run = "echo $CUTOVER_BUILD >> FOLDER/asked", when = ["after"]';
  const site = await siteWith(t, [login, counted], { builds: [asksForLogin, {}] });
  const called = await site.call('deploy');
  const { outcome, failure } = called.document;
  assert.equal(
    [called.code, outcome, failure?.step, failure?.reason],
    [4, 'rolled_back', 'checks', 'health'],
    called.stderr,
  );
  assert.match(failure?.message ?? '', /login: http:.*answered 404, expected 401.* \(expected: 401\)/);
  assert.is(answerTo('login', called.document).status, 'pass', 'the old build was asked before');
  assert.is(answerTo('login', called.document, 'after').status, 'fail');
  assert.equal(stepsOf(called).slice(-2), ['gate done', 'checks failed']);
  assert.equal((await readFile(site.sandbox.hostPath(`${site.folder}/asked`), 'utf8')).split('\n'), [
    first,
    second,
    '',
  ]);
  await assertSound(site, first, called);
  assert.is((await site.call('deploy')).document.outcome, 'unchanged', 'the build is in quarantine');
});

test('P7: a bad answer after the gate that only warns is told', async (t) => {
  const site = await siteWith(t, [`${login}, severity = "warn"`], { builds: [asksForLogin, {}] });
  const called = await site.call('deploy');
  assert.equal([called.code, called.document.outcome], [0, 'deployed'], called.stderr);
  assert.is(answerTo('login', called.document, 'after').status, 'warn');
  assert.match(called.stderr, /! login .*answered 404/);
  await assertSound(site, second, called);
});

test('S8: a rollback asks too, and stays where it is when there is nowhere better', async (t) => {
  const site = await siteWith(t, [workers(1, ', when = ["after"]')]);
  assert.is((await site.call('deploy')).code, 0);
  const called = await site.call('rollback');
  assert.equal([called.code, called.document.active], [0, first], called.stderr);
  assert.is(answerTo('workers', called.document, 'after').status, 'pass');
  await configure(site, [workers(2, ', when = ["after"]')]);
  const refused = await site.call('rollback', [second]);
  assert.equal([refused.code, refused.document.failure?.step], [4, 'checks'], refused.stderr);
  await assertSound(site, first, refused);
  await breakInService(site, first);
  const only = await site.call('rollback', [second]);
  assert.equal([only.code, only.document.outcome, only.document.failure?.step], [3, 'failed', 'checks'], only.stderr);
  assert.is((await whoServes(site))?.build, second);
});

test('B1: a deploy mends a mode, and says so; who only looks changes nothing', async (t) => {
  const check = 'name = "secrets", kind = "env", path = "FOLDER/.env", mode = "600", keys = ["KEY"], mend = true';
  const site = await siteWith(t, [check], { isDeployed: false });
  const path = site.sandbox.hostPath(`${site.folder}/.env`);
  await writeFile(path, 'KEY=hunter2\n');
  await chmod(path, 0o644);
  const checked = await site.call<CheckReport>('check');
  assert.equal([checked.code, answerTo('secrets', checked.document).status], [0, 'warn'], checked.stderr);
  assert.match(answerTo('secrets', checked.document).mend ?? '', 'a deploy does it by itself');
  await site.call<DryRun>('deploy', ['--dry-run']);
  assert.is((await stat(path)).mode & 0o777, 0o644);
  const called = await site.call('deploy', [first]);
  assert.equal([called.code, answerTo('secrets', called.document).status], [0, 'pass'], called.stderr);
  assert.match(answerTo('secrets', called.document).observed, 'was 644, is 600 now');
  assert.is((await stat(path)).mode & 0o777, 0o600);
  assert.not.match(called.stdout + called.stderr, 'hunter2');
});

test('B4: a pattern in what the candidate wrote to the journal since its start', async (t) => {
  const noDeprecated = 'name = "journal", kind = "log", pattern = "out of date", when = ["before", "after"]';
  const bad = { mode: 'log_errors' as const, message: 'the schema is out of date' };
  const site = await siteWith(t, [noDeprecated], { builds: [{}, bad] });
  const called = await site.call('deploy');
  assert.equal([called.code, called.document.failure?.step], [4, 'checks'], called.stderr);
  const { observed, mend } = answerTo('journal', called.document, 'after');
  assert.match(observed, /3 of \d+ lines, at last: .*the schema is out of date/);
  assert.is(mend, `journalctl -u ${site.unit} -g 'out of date'`);
  await assertSound(site, first, called);
  const { document } = await site.call<CheckReport>('check');
  assert.is(answerTo('journal', document).status, 'pass', 'the old build has been started anew');
});

test('P7: a service whose processes come up one by one has time; the wrong number is never good', async (t) => {
  const site = await siteWith(t, [], { isDeployed: false });
  const { port, asked } = await startCounter(t, site);
  const counted = `name = "counted", kind = "http", url = "http://127.0.0.1:${port}/", when = ["after"]`;
  await configure(site, [workers(2, ', when = ["after"]'), counted]);
  const called = await site.call('deploy', [first]);
  assert.equal([called.code, called.document.failure?.step], [3, 'checks'], called.stderr);
  assert.match(called.document.failure?.message ?? '', 'workers: 1 process (expected: 2 processes)');
  assert.is(await asked(), 3, 'as often as the gate asks');
});

/** Somebody who is never well, and counts how often he is asked. */
async function startCounter(t: TestContext, site: Site): Promise<{ port: number; asked: () => Promise<number> }> {
  const { sandbox, folder, app } = site;
  const [port, unit, file] = [site.port + 10_000, `counter-${app}.service`, `${folder}/asked`];
  const code = `import { appendFileSync } from 'node:fs';
import { createServer } from 'node:http';
createServer((request, response) => {
  appendFileSync('${file}', 'x');
  response.writeHead(503).end();
}).listen(${port}, '127.0.0.1');
`;
  await writeFile(sandbox.hostPath(`${folder}/counter.mjs`), code);
  await sandbox.run('systemd-run', '--collect', `--unit=${unit}`, process.execPath, `${folder}/counter.mjs`);
  t.cleanup(() => sandbox.run('systemctl', 'stop', unit));
  const connect = ['bash', '-c', `exec 3<>/dev/tcp/127.0.0.1/${port}`] as const;
  await until('the counter listens', async () => (await sandbox.exec(connect)).code === 0);
  return { port, asked: async () => (await readFile(sandbox.hostPath(file), 'utf8')).length };
}

for (const [strategy, make] of Object.entries({ socket: makeSocketSite, overlap: makeOverlapSite })) {
  test(`P7: with strategy ${strategy} a bad answer after the gate is taken back`, async (t) => {
    const site = await make(t, { builds: [asksForLogin] });
    for (const behaviour of [asksForLogin, {}]) await site.add(behaviour);
    await configure(site, [login], [`strategy = "${strategy}"`]);
    const good = await site.call('deploy', [second]);
    assert.equal([good.code, answerTo('login', good.document, 'after').status], [0, 'pass'], good.stderr);
    const bad = await site.call('deploy', [third]);
    assert.equal(
      [bad.code, bad.document.failure?.step, bad.document.failure?.reason],
      [4, 'checks', 'health'],
      bad.stderr,
    );
    assert.is((await whoServes(site))?.build, second);
    const { document } = await site.call<DryRun>('deploy', ['--dry-run', third]);
    const names = document.steps.map(({ name }) => name);
    assert.equal(
      names.slice(names.indexOf('gate')),
      strategy === 'overlap' ? ['gate', 'checks', 'retire'] : ['gate', 'checks'],
    );
    assert.is(document.steps.find(({ name }) => name === 'checks')?.does, 'ask login');
  });
}

const hanging = 'name = "slow", kind = "command", run = "echo $$ > FOLDER/pid; exec sleep 60"';

/** What runs the command, and the command, have ended. */
async function untilGone({ sandbox, folder }: Site): Promise<void> {
  const pid = await readFile(sandbox.hostPath(`${folder}/pid`), 'utf8');
  await until('the command is gone', async () => (await sandbox.exec(['kill', '-0', pid.trim()])).code !== 0);
}

function untilAsked({ sandbox, folder }: Site): Promise<void> {
  return until('the command runs', () => readFile(sandbox.hostPath(`${folder}/pid`), 'utf8').catch(() => ''));
}

test('S4: SIGINT while the checks before a deploy are asked: nothing was changed', async (t) => {
  const site = await siteWith(t, []);
  await configure(site, [hanging]);
  const run = await startDeploy(site);
  await untilAsked(site);
  run.child.kill('SIGINT');
  const called = (await run.end()) as unknown as Called<Refusal>;
  assert.equal([called.code, called.document.error?.code], [130, 'interrupted'], called.stderr);
  await untilGone(site);
  assert.is((await whoServes(site))?.build, first);
});

test('S4: SIGTERM while the checks after the gate are asked: the build before is back', async (t) => {
  const site = await siteWith(t, []);
  await configure(site, [`${hanging}, when = ["after"]`]);
  const run = await startDeploy(site);
  await untilAsked(site);
  run.child.kill('SIGTERM');
  const called = await run.end();
  assert.equal(
    [called.code, called.document.failure?.reason, called.document.failure?.step],
    [4, 'interrupted', 'checks'],
    called.stderr,
  );
  await untilGone(site);
  await assertSound(site, first, called);
});

test('S8: the deployer is killed while the checks after the gate are asked: systemd settles', async (t) => {
  const site = await siteWith(t, []);
  await configure(site, [`${hanging}, when = ["after"]`]);
  const run = await startDeploy(site);
  await untilBegun(site, 'start');
  await untilAsked(site);
  assert.match(await ledger(site), '"name":"checks"');
  run.child.kill('SIGKILL');
  await run.child.ended;
  await untilSettled(site);
  await untilGone(site);
  assert.is((await whoServes(site))?.build, first);
});

test('B4: a name that a check of every deploy has is refused', async (t) => {
  const site = await siteWith(t, []);
  await configure(site, ['name = "disk", kind = "tcp", port = 1']);
  const { code, document } = await site.call<Refusal>('deploy');
  assert.equal([code, document.error?.code], [78, 'config']);
  assert.match(document.error.message, 'targets.production.checks[0].name: the name of a check of cutover itself');
});
