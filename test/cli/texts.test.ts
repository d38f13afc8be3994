// needs: sandbox
import { rm, writeFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import type { BuildRow } from '../../lib/deployer/builds.ts';
import type { TargetStatus } from '../../lib/deployer/status.ts';
import type { RunDocument } from '../../lib/run/document.ts';
import { buildId, makeSite, type Refusal, type Site } from '../deploy/site.ts';
import { whoServes } from '../deploy/sound.ts';
import { suite } from '../suite.ts';

/** What `logs --json` prints. */
interface LogDocument {
  run: string | null;
  path: string | null;
  unit: string;
  lines: string[];
}

const test = suite('cli/texts');
const [first, second, third, fourth] = [buildId(1), buildId(2), buildId(3), buildId(4)];
const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

test('the document of a run has the keys of the contract', async (t) => {
  const site = await makeSite(t, { builds: [{}, { mode: 'status', status: 503 }] });
  const { document } = await site.call('deploy');
  const keys =
    'run kind app target unit strategy outcome exit_code from to active started_at duration_ms downtime_ms steps checks failure';
  assert.equal(keysMissing(document, keys), []);
  assert.equal(keysMissing(document.steps[0], 'name status duration_ms'), []);
  assert.equal(keysMissing(document.checks[0], 'name status observed expected mend'), []);
  assert.equal(keysMissing(document.failure, 'step reason message evidence'), []);
  assert.match(document.run ?? '', /^\d{8}-\d{6}-[0-9a-f]{4}$/);
  assert.match(document.started_at, time);
  assert.equal(
    [document.kind, document.app, document.target, document.unit, document.strategy],
    ['deploy', site.app, 'production', site.unit, 'restart'],
  );
  const evidence = await site.sandbox.run('ls', document.failure?.evidence ?? '');
  assert.equal(evidence.split('\n'), ['attempts.json', 'failure.json', 'journal.txt', 'sockets.json', 'unit.json']);
  assert.match(await site.sandbox.run('cat', `${document.failure?.evidence}/attempts.json`), 'answered 503');
});

test('S11: status, of a healthy target', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}] });
  await site.call('deploy');
  const serves = await whoServes(site);
  const found = await statusOf(site);
  const keys =
    'target unit state sub_state healthy restarts memory_bytes main_pid since port_owner current previous in_flight last_run recent_errors';
  assert.equal(keysMissing(found, keys), []);
  const { target, unit, state, sub_state, healthy, restarts, main_pid, current, previous, in_flight, recent_errors } =
    found;
  assert.equal(
    [target, unit, state, sub_state, healthy, restarts],
    ['production', site.unit, 'active', 'running', true, 0],
  );
  assert.equal([main_pid, current, previous, in_flight, recent_errors], [serves?.pid, second, first, null, []]);
  assert.match(found.port_owner ?? '', new RegExp(`^pid ${serves?.pid} \\(.*app\\.mjs\\) of ${site.unit}$`));
  assert.match(found.since ?? '', time);
  assert.ok((found.memory_bytes ?? 0) > 0);
  assert.is(found.last_run?.active, second);
  const { code, stdout } = await site.tell('status');
  assert.is(code, 0);
  const lines = [
    /^production healthy$/m,
    new RegExp(
      `^ {2}unit +${site.unit}, active \\(running\\) for .*, pid ${serves?.pid}, 0 restarts, \\d+.* of memory$`,
      'm',
    ),
    new RegExp(`^ {2}port +pid ${serves?.pid} `, 'm'),
    new RegExp(`^ {2}current +${second}$`, 'm'),
    new RegExp(`^ {2}previous +${first}$`, 'm'),
    /^ {2}last run +deploy [\d-]+[0-9a-f]+: deployed$/m,
  ];
  for (const line of lines) assert.match(stdout, line);
});

test('S11: status, of a target that is down, with what its unit complained of', async (t) => {
  const site = await makeSite(t, {
    builds: [{}, { mode: 'log_errors', message: 'no database' }],
  });
  await site.configure({ tables: { health: ['healthy_for = "5s"'] } });
  assert.is((await site.call('deploy')).code, 4);
  await site.sandbox.run('systemctl', 'stop', site.unit);
  const found = await statusOf(site);
  assert.equal(
    [found.state, found.sub_state, found.healthy, found.main_pid, found.port_owner],
    ['inactive', 'dead', false, null, null],
  );
  assert.match(found.recent_errors.join('\n'), 'no database');
  const { code, stdout } = await site.tell('status');
  assert.is(code, 0);
  for (const words of [
    'production NOT HEALTHY',
    'inactive (dead)',
    'pid none',
    'nobody listens',
    'rolled_back (',
    'no database',
  ])
    assert.match(stdout, words);
});

test('status, of a unit that does not exist, and before anything was deployed', async (t) => {
  const site = await makeSite(t, { isDeployed: false });
  await rm(site.sandbox.hostPath(`/etc/systemd/system/${site.unit}`));
  await site.sandbox.run('systemctl', 'daemon-reload');
  const found = await statusOf(site);
  assert.equal([found.state, found.healthy, found.current, found.last_run], ['not-found', false, null, null]);
  assert.match((await site.tell('status')).stdout, /not-found/);
});

test('builds: every state', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}, {}, { mode: 'crash' }, {}, {}] });
  const { sandbox, builds } = site;
  for (const id of [second, third]) assert.is((await site.call('deploy', [id])).code, 0);
  assert.is((await site.call('deploy', [fourth])).code, 4);
  await rm(sandbox.hostPath(`${builds}/${buildId(6)}/app.mjs`));
  await rm(sandbox.hostPath(`${builds}/${buildId(6)}/behaviour.json`), { force: true });
  await writeFile(sandbox.hostPath(`${builds}/notes.txt`), 'not a build');
  const { code, document } = await site.call<{ builds: BuildRow[] }>('builds');
  assert.is(code, 0);
  const expected = {
    [buildId(6)]: 'broken',
    [buildId(5)]: 'untried',
    [fourth]: 'quarantined',
    [third]: 'current',
    [second]: 'previous',
    [first]: 'good',
  };
  assert.equal(Object.fromEntries(document.builds.map(({ id, state }) => [id, state])), expected);
  for (const row of document.builds) {
    assert.equal(keysMissing(row, 'id state revision created_at size_bytes'), []);
    assert.match(row.created_at, time);
    assert.ok((row.size_bytes ?? 0) > 0 || row.state === 'broken');
  }
  const { stdout } = await site.tell('builds');
  assert.match(stdout, /^BUILD +STATE +REVISION +AGE +SIZE$/m);
  for (const [id, state] of Object.entries(expected)) assert.match(stdout, new RegExp(`^${id} +${state} `, 'm'));
});

test('history and report: the newest first, one in full', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}, { mode: 'crash' }] });
  assert.is((await site.tell('history')).stdout.split('\n').length, 2);
  const good = await site.call('deploy', [second]);
  const bad = await site.call('deploy', [third]);
  const back = await site.call('rollback');
  const { runs } = (await site.call<{ runs: RunDocument[] }>('history')).document;
  const told = [back, bad, good].map(({ document }) => document);
  assert.equal(runs.slice(0, 3), told);
  assert.is(runs.length, 4);
  assert.equal((await site.call<{ runs: RunDocument[] }>('history', ['--limit', '2'])).document.runs, told.slice(0, 2));
  const { stdout } = await site.tell('history');
  assert.match(stdout, /^RUN +KIND +OUTCOME +FROM +TO +TOOK +DOWN +REASON$/m);
  assert.match(
    stdout,
    new RegExp(`^${bad.document.run} +deploy +rolled_back +${second} +${third} .* start: exited$`, 'm'),
  );
  assert.equal((await site.call('report')).document, back.document);
  assert.equal((await site.call('report', [bad.document.run ?? ''])).document, bad.document);
  const report = await site.tell('report', bad.document.run ?? '');
  const words = [
    `deploy ${bad.document.run}`,
    `${second} -> ${third}`,
    'failed at start (exited): ',
    'evidence: /var/lib/cutover/',
    `production is back on ${second}`,
  ];
  for (const word of words) assert.match(report.stdout, word);
});

test('history, report and logs, before any run', async (t) => {
  const site = await makeSite(t, { isDeployed: false });
  assert.equal((await site.call<{ runs: RunDocument[] }>('history')).document, { runs: [] });
  assert.is((await site.tell('history')).stdout, 'no runs yet');
  const { code, document } = await site.call<Refusal>('report');
  assert.equal([code, document.error.code, document.error.message], [64, 'usage', 'there was no run yet']);
  assert.is((await site.tell('logs')).code, 64);
});

test('logs: the last run, a named one, the unit', async (t) => {
  const site = await makeSite(t, { builds: [{}, { mode: 'crash' }] });
  const { document } = await site.call('deploy');
  const last = await site.tell('logs');
  assert.is(last.code, 0);
  assert.match(last.stdout, ` ✗ start `);
  assert.match(last.stdout, `production is back on ${first}`);
  assert.is((await site.tell('logs', document.run ?? '')).stdout, last.stdout);
  await site.sandbox.run('journalctl', '--sync');
  const journal = await site.tell('logs', '--unit');
  assert.is(journal.code, 0);
  assert.match(journal.stdout, `${first} listens on ${site.port}`);
});

test('logs --json: one document with the lines of the log, or of the journal', async (t) => {
  const site = await makeSite(t);
  const [newest] = (await site.call<{ runs: RunDocument[] }>('history')).document.runs;
  const log = await site.call<LogDocument>('logs');
  assert.equal([log.code, log.document.run, log.document.unit], [0, newest?.run, site.unit], log.stderr);
  assert.is(log.document.lines.join('\n').trim(), (await site.tell('logs')).stdout);
  assert.is(await site.sandbox.run('cat', log.document.path ?? ''), log.document.lines.join('\n').trim());
  await site.sandbox.run('journalctl', '--sync');
  const journal = await site.call<LogDocument>('logs', ['--unit']);
  assert.equal([journal.code, journal.document.run, journal.document.path], [0, null, null], journal.stderr);
  assert.match(journal.document.lines.join('\n'), `${first} listens on ${site.port}`);
  const endless = await site.call<Refusal>('logs', ['--follow']);
  assert.equal([endless.code, endless.document.error?.code], [64, 'usage']);
});

test('--quiet prints the last sentence, --verbose every attempt; no colours off a terminal', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}, {}] });
  const quiet = await site.tell('deploy', second, '--quiet');
  assert.is(quiet.code, 0);
  assert.match(
    quiet.stdout,
    new RegExp(`^production serves ${second}, proven healthy in .*; the port was closed for [^\\n]*$`),
  );
  const verbose = await site.tell('deploy', third, '--verbose');
  assert.match(verbose.stdout, /attempt 1 of 3: 200 in \d+ ms/);
  assert.not.match(quiet.stdout + verbose.stdout, '\u001B');
});

async function statusOf(site: Site): Promise<TargetStatus> {
  const { code, document } = await site.call<{ targets: TargetStatus[] }>('status');
  assert.equal([code, document.targets.length], [0, 1]);
  return document.targets[0] as TargetStatus;
}

function keysMissing(value: unknown, keys: string): string[] {
  return keys.split(' ').filter((key) => !Object.hasOwn(value as object, key));
}
