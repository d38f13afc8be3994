// needs: sandbox
// deadline: 10min
import { mkdir, open, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import * as assert from 'uvu/assert';
import { lockDescriptor } from '../../lib/base/flock.ts';
import type { MonitorReport } from '../../lib/report/monitor-report.ts';
import type { RunDocument } from '../../lib/run/document.ts';
import type { MonitorState } from '../../lib/triggers/monitor/state.ts';
import { suite } from '../suite.ts';
import { held, heldDeploy, heldSite, holdAgain, leaveBehind, letGo, untilBegun } from './running.ts';
import { breakInService, buildId, type Called, makeSite, type Site, until } from './site.ts';
import { assertSound } from './sound.ts';
import { addChannels, journalOf, startReceiver, type Told } from './telling.ts';

const test = suite('deploy/monitor', { timeoutMs: 180_000 });
const [first, second] = [buildId(1), buildId(2)];

const pass = (site: Site): Promise<Called<MonitorReport>> => site.call<MonitorReport>('monitor');

async function stateOf({ sandbox, state }: Site): Promise<MonitorState> {
  return JSON.parse(await readFile(sandbox.hostPath(`${state}/monitor.json`), 'utf8')) as MonitorState;
}

async function runsOf(site: Site): Promise<[string, string][]> {
  const { runs } = (await site.call<{ runs: RunDocument[] }>('history')).document;
  return runs.map(({ kind, outcome }) => [kind, outcome]);
}

test('S10: a healthy target is left alone, and the pass says what it saw', async (t) => {
  const site = await makeSite(t, { keys: ['monitor = { every = "1ms", failures = 1 }'] });
  const { code, document, stderr } = await pass(site);
  assert.is(code, 0, stderr);
  const { checked_at, duration_ms, ...rest } = document;
  assert.equal(rest, {
    app: site.app,
    target: 'production',
    unit: site.unit,
    healthy: true,
    passed_over: null,
    in_bake: false,
    failures_in_row: 0,
    findings: [],
    actions: [],
    alerts: [],
    run: null,
    exit_code: 0,
  });
  assert.ok(Math.abs(Date.parse(checked_at) - Date.now()) < 60_000 && duration_ms > 0);
  const path = site.sandbox.hostPath(`${site.state}/monitor.json`);
  assert.is((await stat(path)).mode & 0o777, 0o600);
  assert.equal(await runsOf(site), [['deploy', 'deployed']]);
  const named = await site.sandbox.cutover(['monitor', `${site.app}/production`, '--config', site.config]);
  assert.equal([named.code, named.stdout], [0, 'production healthy']);
  const foreign = await site.sandbox.cutover(['monitor', 'other/production', '--config', site.config]);
  assert.is(foreign.code, 64);
});

/** Its process dies, and systemd starts it again. */
async function crashOnce(site: Site): Promise<void> {
  const show = ['systemctl', 'show', '--property=InvocationID', '--value', site.unit] as const;
  const before = await site.sandbox.run(...show);
  await site.sandbox.run('systemctl', 'kill', '--signal=KILL', site.unit);
  await until('systemd has started it again', async () => (await site.sandbox.run(...show)) !== before);
  await untilHealthy(site);
}

test('S10, R5: a service that systemd starts again and again is alerted, up as it is at each pass', async (t) => {
  const keys = ['monitor = { every = "1ms", failures = 2, action = "restart" }'];
  const site = await makeSite(t, { keys, service: ['[Unit]', 'StartLimitIntervalSec=0'] });
  assert.is((await pass(site)).code, 0);
  const told: unknown[] = [];
  for (let times = 0; times < 3; times += 1) {
    await crashOnce(site);
    const { code, document } = await pass(site);
    told.push([code, document.failures_in_row, document.actions, document.alerts.map(({ key }) => key)]);
  }
  assert.equal(told, [
    [3, 1, [], []],
    [3, 2, [], ['service']],
    [3, 3, [], []],
  ]);
  const { code, document } = await pass(site);
  assert.equal([code, document.alerts.map(({ key, state }) => [key, state])], [0, [['service', 'cleared']]]);
  assert.equal(await runsOf(site), [['deploy', 'deployed']], 'there was nothing to start');
});

test('S10: restarts of long ago are no news after a run that never started the unit', async (t) => {
  const rules = 'monitor = { every = "1ms", failures = 1, action = "rollback" }';
  const site = await makeSite(t, { builds: [{}, {}, {}], keys: ['monitor = { every = "1ms", failures = 9 }'] });
  await site.call('deploy', [second]);
  await pass(site);
  await crashOnce(site);
  assert.is((await pass(site)).document.failures_in_row, 1);
  await site.configure({ keys: [rules, 'hooks.test = "false"'] });
  const refused = await site.call('deploy');
  assert.is(refused.code, 1, refused.stderr);
  assert.is((await runsOf(site))[0]?.[1], 'refused');
  const { code, document } = await pass(site);
  assert.equal([code, document.actions, document.findings], [0, [], []]);
  await assertSound(site, second);
});

test('S10: a pass that is interrupted ends the run that it began, and tells of it', async (t) => {
  const keys = ['monitor = { every = "1ms", failures = 1, action = "rollback" }'];
  const site = await makeSite(t, { ...held, builds: [{ mode: 'held' }, {}], keys, isDeployed: false });
  await letGo(site);
  for (const id of [first, second]) await site.call('deploy', [id]);
  await holdAgain(site);
  await breakInService(site, second);
  const begun = await site.sandbox.startCutover(['monitor', '--json', '--config', site.config]);
  const stdout = text(begun.stdout);
  let said = '';
  begun.stderr.setEncoding('utf8').on('data', (chunk: string) => (said += chunk));
  await untilBegun(site, 'start');
  begun.kill('SIGTERM');
  await until('it heard', async () => said.includes('interrupted, and goes on'));
  await letGo(site);
  assert.is((await begun.ended).code, 0);
  const { healthy, actions, run } = JSON.parse(await stdout) as MonitorReport;
  assert.equal([healthy, actions], [true, [`went back to ${first}`]]);
  const { runs } = (await site.call<{ runs: RunDocument[] }>('history')).document;
  assert.equal([runs[0]?.run, runs[0]?.kind, runs[0]?.outcome], [run, 'rollback', 'deployed']);
});

test('S10, B5: so many failures in a row, and the service is started again as a run of its own', async (t) => {
  const site = await makeSite(t, { keys: ['monitor = { every = "1ms", failures = 2, action = "restart" }'] });
  await site.sandbox.run('systemctl', 'stop', site.unit);
  const one = await pass(site);
  assert.equal([one.code, one.document.failures_in_row, one.document.actions], [3, 1, []], one.stderr);
  assert.match(one.document.findings[0]?.message ?? '', `${site.unit} is inactive`);
  const two = await pass(site);
  assert.equal([two.code, two.document.healthy, two.document.failures_in_row], [0, true, 0], two.stderr);
  assert.ok(two.document.actions.includes(`saw ${first} healthy`), two.document.actions.join());
  assert.equal(await runsOf(site), [
    ['recovery', 'deployed'],
    ['deploy', 'deployed'],
  ]);
  await assertSound(site, first);
  assert.equal((await stateOf(site)).problems, {});
  assert.is((await pass(site)).code, 0);
});

test('S10: passes by hand beside those of the timer are told, and count once', async (t) => {
  const site = await makeSite(t, { keys: ['monitor = { failures = 2, action = "restart" }'] });
  await site.sandbox.run('systemctl', 'stop', site.unit);
  for (let times = 0; times < 4; times += 1) {
    const { code, document } = await pass(site);
    assert.equal([code, document.failures_in_row, document.actions], [3, 1, []]);
  }
  const { problems, ...state } = await stateOf(site);
  const counted = new Date(Date.now() - 5 * 60_000).toISOString();
  const service = { ...(problems.service ?? { since: counted, passes: 1, acted: 0 }), counted };
  const path = site.sandbox.hostPath(`${site.state}/monitor.json`);
  await writeFile(path, JSON.stringify({ ...state, problems: { ...problems, service } }));
  const called = await site.sandbox.cutover(['monitor', '--quiet', '--config', site.config]);
  assert.is(called.code, 0, called.stderr);
  assert.match(called.stdout, new RegExp(`^production healthy: .*saw ${first} healthy$`));
  assert.is(called.stderr, '', 'one sentence');
});

test('R5: an alert is told once when it is raised, and once when it is over', async (t) => {
  const site = await makeSite(t, { keys: ['monitor = { every = "1ms", failures = 2, action = "alert" }'] });
  const receiver = await startReceiver(t, site);
  await addChannels(site, [
    'channel = "webhook"',
    `url_file = "${await urlFile(site, receiver.url)}"`,
    'on = ["alert"]',
  ]);
  await site.sandbox.run('systemctl', 'stop', site.unit);
  const codes: (number | null)[] = [];
  for (let times = 0; times < 4; times += 1) codes.push((await pass(site)).code);
  assert.equal(codes, [3, 3, 3, 3]);
  await site.sandbox.run('systemctl', 'start', site.unit);
  await untilHealthy(site);
  await pass(site);
  const told = (await receiver.told()).map(({ body }) => JSON.parse(body) as Record<string, string>);
  assert.equal(
    told.map(({ kind, key, state, severity }) => [kind, key, state, severity]),
    [
      ['alert', 'service', 'raised', 'warning'],
      ['alert', 'service', 'cleared', 'warning'],
    ],
  );
  assert.equal(await runsOf(site), [['deploy', 'deployed']], 'nothing was done');
});

test('R5: an alert that reaches nobody is told by the next pass, with the moment when it was raised; of one that nobody heard of there is no end', async (t) => {
  const site = await makeSite(t, { keys: ['monitor = { every = "1ms", failures = 1, action = "alert" }'] });
  const receiver = await startReceiver(t, site);
  const file = await urlFile(site, 'http://127.0.0.1:1');
  await addChannels(site, ['channel = "webhook"', `url_file = "${file}"`, 'on = ["alert"]']);
  const told = async (): Promise<unknown[]> =>
    (await receiver.told()).map(({ body }) => {
      const { state, since } = JSON.parse(body) as Record<string, string>;
      return [state, since];
    });
  await site.sandbox.run('systemctl', 'stop', site.unit);
  const [alert] = (await pass(site)).document.alerts;
  assert.is(alert?.state, 'raised');
  await urlFile(site, receiver.url);
  await pass(site);
  assert.equal(await told(), [['raised', alert?.since]]);
  assert.equal((await pass(site)).document.alerts, [], 'once');
  await urlFile(site, 'http://127.0.0.1:1');
  await site.sandbox.run('systemctl', 'start', site.unit);
  await untilHealthy(site);
  assert.is((await pass(site)).document.alerts[0]?.state, 'cleared');
  await site.sandbox.run('systemctl', 'stop', site.unit);
  await pass(site);
  await site.sandbox.run('systemctl', 'start', site.unit);
  await untilHealthy(site);
  await urlFile(site, receiver.url);
  await pass(site);
  await pass(site);
  assert.equal(await told(), [
    ['raised', alert?.since],
    ['cleared', alert?.since],
  ]);
});

test('R5: two passes at once, as of the timer and by hand: one looks and tells, the other says whose turn it is', async (t) => {
  const site = await makeSite(t);
  const [began, go] = [`${site.folder}/began`, `${site.folder}/go`];
  const waits = checkOf('waits', `touch ${began}; until test -e ${go}; do sleep 0.05; done`, 'warn');
  const checks = `checks = [${waits.replace('"1s"', '"1min"')}]`;
  await site.configure({ keys: ['monitor = { every = "1ms", failures = 1, action = "alert" }', checks] });
  const receiver = await startReceiver(t, site);
  await addChannels(site, [
    'channel = "webhook"',
    `url_file = "${await urlFile(site, receiver.url)}"`,
    'on = ["alert"]',
  ]);
  await site.sandbox.run('systemctl', 'stop', site.unit);
  const one = pass(site);
  await until('it looks', async () => (await site.sandbox.exec(['test', '-e', began])).code === 0);
  const other = await pass(site);
  assert.is(other.code, 0, other.stderr);
  assert.match(other.document.passed_over ?? '', /^another pass \(pid \d+, since .*\) is at work$/);
  await site.sandbox.run('touch', go);
  assert.equal([(await one).code, (await one).document.alerts.length], [3, 1]);
  assert.equal([(await pass(site)).document.passed_over, (await receiver.told()).length], [null, 1]);
});

test('R5: down for over 15 minutes, and two recoveries that failed, are critical', async (t) => {
  const site = await makeSite(t, { keys: ['monitor = { every = "1ms", failures = 1, action = "restart" }'] });
  await breakInService(site, first);
  const one = await pass(site);
  assert.equal([one.code, one.document.alerts.map(({ key }) => key)], [3, ['service']], one.stderr);
  const state = await stateOf(site);
  const since = new Date(Date.now() - 16 * 60_000).toISOString();
  const problems = { service: { ...(state.problems.service ?? { passes: 1, acted: 1 }), since } };
  await writeFile(site.sandbox.hostPath(`${site.state}/monitor.json`), JSON.stringify({ ...state, problems }));
  const two = await pass(site);
  assert.equal(
    two.document.alerts.map(({ key, severity, state: how }) => [key, severity, how]),
    [
      ['down', 'critical', 'raised'],
      ['recoveries', 'critical', 'raised'],
    ],
    two.stderr,
  );
  assert.equal([two.code, two.document.failures_in_row], [3, 2]);
});

test('S10: where the rules say so, it goes back, once, and the build is not picked again', async (t) => {
  const site = await makeSite(t, {
    builds: [{}, {}],
    keys: ['monitor = { every = "1ms", failures = 1, action = "rollback" }'],
  });
  await site.call('deploy');
  const receiver = await startReceiver(t, site);
  await addChannels(site, [
    'channel = "webhook"',
    `url_file = "${await urlFile(site, receiver.url)}"`,
    'on = ["rolled_back", "failed", "alert"]',
  ]);
  await breakInService(site, second);
  await site.sandbox.run('journalctl', '--sync');
  const { code, document, stderr } = await pass(site);
  assert.equal([code, document.actions], [0, [`went back to ${first}`]], stderr);
  await assertSound(site, first);
  await assertToldWhy(site, await receiver.told());
  const deployed = await site.call('deploy');
  assert.is(deployed.document.outcome, 'unchanged', 'the bad build is in quarantine');
  await breakInService(site, first);
  const again = await pass(site);
  assert.is(again.code, 3);
  assert.match(again.document.actions.join(), 'could not go back');
  assert.equal((await pass(site)).document.actions, [], 'once');
});

/** The run of a rollback that the monitor began says so wherever it is told of. */
async function assertToldWhy(site: Site, told: Told[]): Promise<void> {
  assert.equal(
    told.map(({ headers }) => headers['x-cutover-event']),
    ['rolled_back'],
  );
  const { run, cause, outcome, failure } = JSON.parse(told[0]?.body ?? '') as RunDocument;
  assert.equal([cause?.by, cause?.reason, outcome, failure], ['monitor', 'exited', 'deployed', null]);
  assert.match(cause?.message ?? '', `${site.unit} is failed`);
  const kept = `${site.state}/evidence/${run}/before`;
  assert.is(cause?.evidence, kept);
  assert.match(await site.sandbox.run('cat', `${kept}/journal.txt`), 'Start request repeated too quickly');
  assert.match((await site.tell('history')).stdout, /rollback .*monitor: exited/);
  const log = (await site.tell('logs', run ?? '')).stdout;
  assert.match(log, `${second} failed: the monitor found ${site.unit} is failed`);
  assert.not.match(log, 'interrupted');
  const ended = (await journalOf(site)).filter(({ CUTOVER_RUN }) => CUTOVER_RUN === run).at(-1);
  assert.equal([ended?.PRIORITY, ended?.CUTOVER_REASON], ['4', 'exited']);
  const { stdout } = await site.tell('report', '--slo');
  assert.match(stdout, /recovery success +100 % .*1 of 1 failure/);
}

test('S10: a rollback that could not begin is tried again, and one that began counts before it ends', async (t) => {
  const site = await makeSite(t, {
    builds: [{}, {}],
    keys: ['monitor = { every = "1ms", failures = 1, action = "rollback" }'],
  });
  await site.call('deploy');
  const seen = `${site.folder}/seen.json`;
  const hooks = `hooks.smoke = "cp ${site.state}/monitor.json ${seen}"`;
  await site.configure({ keys: ['monitor = { every = "1ms", failures = 1, action = "rollback" }', hooks] });
  await breakInService(site, second);
  const lock = await open(site.sandbox.hostPath(`${site.state}/lock`), 'r+');
  t.cleanup(() => lock.close());
  assert.ok(await lockDescriptor(lock.fd, { waitMs: 0 }));
  const kept = await pass(site);
  assert.match(kept.document.actions.join(), 'could not go back', kept.stderr);
  assert.is((await stateOf(site)).problems.service?.acted, 0);
  await lock.close();
  const { code, document, stderr } = await pass(site);
  assert.equal([code, document.actions], [0, [`went back to ${first}`]], stderr);
  const meanwhile = JSON.parse(await readFile(site.sandbox.hostPath(seen), 'utf8')) as MonitorState;
  assert.is(meanwhile.problems.service?.acted, 1);
});

test('S10: a rollback that was interrupted before its run began is tried again by the next pass', async (t) => {
  const keys = ['monitor = { every = "1ms", failures = 1, action = "rollback" }'];
  const site = await makeSite(t, { builds: [{}, {}], keys });
  await site.call('deploy');
  await site.configure({ keys, tables: { health: ['timeout = "20s"'] } });
  await site.sandbox.run('systemctl', 'kill', '--signal=STOP', site.unit);
  const begun = await site.sandbox.startCutover(['monitor', '--config', site.config]);
  const acted = async (): Promise<number | undefined> => (await stateOf(site)).problems.service?.acted;
  await until('it is about to go back', async () => (await acted().catch(() => 0)) === 1, 120_000);
  begun.kill('SIGTERM');
  assert.is((await begun.ended).code, 130);
  assert.equal(
    [await acted(), await runsOf(site)],
    [
      0,
      [
        ['deploy', 'deployed'],
        ['deploy', 'deployed'],
      ],
    ],
  );
  await site.configure({ keys, tables: { health: ['timeout = "1s"'] } });
  const { code, document, stderr } = await pass(site);
  assert.equal([code, document.actions], [0, [`went back to ${first}`]], stderr);
  await assertSound(site, first);
});

test('S10: in its bake time a build is left at the first failure that lasts, and later ones are not', async (t) => {
  const keys = ['monitor = { every = "1ms", failures = 9, action = "alert", bake = "1h" }'];
  const site = await makeSite(t, { builds: [{}, {}], keys });
  await site.call('deploy');
  assert.is((await pass(site)).document.in_bake, true);
  await breakInService(site, second);
  const { code, document, stderr } = await pass(site);
  assert.equal([code, document.in_bake, document.actions], [0, true, [`went back to ${first}`]], stderr);
  await assertSound(site, first);
  await breakInService(site, first);
  const after = await pass(site);
  assert.equal([after.code, after.document.in_bake, after.document.actions], [3, false, []], 'it came by a rollback');
});

test('S10: in its bake time a crash that systemd has mended is no reason to go back before the failures add up', async (t) => {
  const keys = ['monitor = { every = "1ms", failures = 2, action = "alert", bake = "1h" }'];
  const site = await makeSite(t, { builds: [{}, {}], keys, service: ['[Unit]', 'StartLimitIntervalSec=0'] });
  await site.call('deploy');
  await pass(site);
  await crashOnce(site);
  const one = await pass(site);
  assert.equal([one.code, one.document.in_bake, one.document.actions], [3, true, []], one.stderr);
  assert.is(one.document.failures_in_row, 1);
  await crashOnce(site);
  const two = await pass(site);
  assert.equal([two.code, two.document.actions], [0, [`went back to ${first}`]], two.stderr);
  await assertSound(site, first);
});

test('S10: never beside a run, which is not disturbed', async (t) => {
  const { site, run } = await heldDeploy(t);
  const { code, document } = await pass(site);
  assert.is(code, 0);
  assert.match(document.passed_over ?? '', /^run .* is at work/);
  assert.is((await run.end()).code, 0);
  const after = await pass(site);
  assert.equal([after.code, after.document.passed_over], [0, null]);
});

test('S8, S10: a run that was cut off is ended first', async (t) => {
  const site = await heldSite(t);
  await leaveBehind(site);
  const { code, document, stderr } = await pass(site);
  assert.is(code, 0, stderr);
  assert.match(document.actions[0] ?? '', /^ended run .*: rolled_back$/);
  await assertSound(site, first);
});

test('S10: a state that is torn, foreign or not writable', async (t) => {
  const site = await makeSite(t, { keys: ['monitor = { every = "1ms", failures = 2, action = "alert" }'] });
  const path = site.sandbox.hostPath(`${site.state}/monitor.json`);
  const good = { version: 1, at: 'now', last_run: null, restarts: 0, problems: {}, alerts: {} };
  const odd = [
    '',
    '{"ver',
    'null',
    '[]',
    '{"version":2}',
    JSON.stringify(good),
    JSON.stringify({ ...good, problems: [1] }),
  ];
  for (const text of odd) {
    await writeFile(path, text);
    const { code, document } = await pass(site);
    assert.equal([code, document.healthy], [0, true], text);
    assert.is((await stateOf(site)).version, 1);
  }
  await rm(path);
  await mkdir(path);
  const { code, document } = await pass(site);
  assert.is(code, 3);
  const { message = '' } = document.findings.find(({ key }) => key === 'state') ?? {};
  assert.match(message, 'what the next pass has to know could not be kept: EISDIR');
});

test('S10: a clock that went back makes no outage older, and none shorter than now', async (t) => {
  const site = await makeSite(t, {
    keys: ['monitor = { every = "1ms", failures = 9, action = "alert", bake = "1h" }'],
  });
  await site.sandbox.run('systemctl', 'stop', site.unit);
  await pass(site);
  const state = await stateOf(site);
  const tomorrow = new Date(Date.now() + 86_400_000).toISOString();
  const problems = { service: { since: tomorrow, passes: 1, acted: 0 } };
  const later = JSON.stringify({ ...state, at: tomorrow, problems });
  await writeFile(site.sandbox.hostPath(`${site.state}/monitor.json`), later);
  const due = await site.sandbox.cutover(['monitor', '--due', '--json', '--config', site.config]);
  const { findings, failures_in_row } = JSON.parse(due.stdout) as MonitorReport;
  assert.is(failures_in_row, 2);
  assert.ok(Date.parse(findings[0]?.since ?? '') <= Date.now());
});

test('S10: a check that hangs or fails is told, and nothing is done to a service that is well', async (t) => {
  const checks = `checks = [${checkOf('hung', 'sleep 600', 'fail')}, ${checkOf('odd', 'exit 1', 'warn')}]`;
  const site = await makeSite(t, { keys: ['monitor = { every = "1ms", failures = 1, action = "restart" }', checks] });
  const { code, document, stderr } = await pass(site);
  assert.is(code, 3, stderr);
  assert.equal(
    document.findings.map(({ key, level }) => [key, level]),
    [
      ['check:hung', 'fail'],
      ['check:odd', 'warn'],
    ],
  );
  assert.equal([document.actions, document.alerts.map(({ key }) => key)], [[], ['check:hung']]);
  assert.equal(await runsOf(site), [['deploy', 'deployed']]);
  assert.ok(document.duration_ms < 20_000);
});

function checkOf(name: string, line: string, severity: string): string {
  return `{ name = "${name}", kind = "command", run = "${line}", timeout = "1s", when = ["monitor"], severity = "${severity}" }`;
}

async function urlFile({ sandbox, folder }: Site, url: string): Promise<string> {
  await writeFile(sandbox.hostPath(`${folder}/url`), `${url}/hook\n`, { mode: 0o600 });
  return `${folder}/url`;
}

async function untilHealthy(site: Site): Promise<void> {
  for (let looks = 0; looks < 50; looks += 1) {
    const { document } = await site.call<{ targets: { healthy: boolean }[] }>('status');
    if (document.targets[0]?.healthy) return;
  }
  throw new Error('it did not become healthy');
}
