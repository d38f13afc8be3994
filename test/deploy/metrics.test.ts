// needs: sandbox
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import * as assert from 'uvu/assert';
import { formatManifest } from '../../lib/builds/manifest.ts';
import { ledgersKept } from '../../lib/run/retention.ts';
import { statePathsIn } from '../../lib/run/state.ts';
import { type ParsedFamily, parseExposition, valueOf } from '../report/metrics/parser.ts';
import { leaveRun } from '../run/samples.ts';
import { suite, type TestContext } from '../suite.ts';
import { prune } from './pruning.ts';
import { held, startDeploy, untilBegun } from './running.ts';
import { buildId, makeSite, type Site, type SiteOptions, until } from './site.ts';

const test = suite('deploy/metrics', { timeoutMs: 120_000 });

/** A site whose configuration has metrics written. */
async function makeMeasured(t: TestContext, options: SiteOptions): Promise<Site & { metrics: string }> {
  const site = await makeSite(t, { ...options, isDeployed: false });
  const metrics = `${dirname(site.builds)}/textfile`;
  await mkdir(site.sandbox.hostPath(metrics), { recursive: true });
  const config = site.sandbox.hostPath(site.config);
  await writeFile(config, `metrics = "${metrics}"\n${await readFile(config, 'utf8')}`);
  const { code, stderr } = await site.call('deploy', [buildId(1)]);
  assert.is(code, 0, stderr);
  return { ...site, metrics };
}

async function readMetrics({ sandbox, metrics, app }: Site & { metrics: string }): Promise<Map<string, ParsedFamily>> {
  const path = sandbox.hostPath(`${metrics}/cutover-${app}@production.prom`);
  assert.is((await stat(path)).mode & 0o777, 0o644);
  return parseExposition(await readFile(path, 'utf8'));
}

const runsOf = (families: Map<string, ParsedFamily>, kind: string, outcome: string): number | undefined =>
  valueOf(families, 'cutover_runs_total', { kind, outcome });

/** What only a run may change. */
function counts(text: string): unknown {
  const families = parseExposition(`${text.trimEnd()}\n`);
  return [families.get('cutover_runs_total'), families.get('cutover_run_duration_seconds')?.samples];
}

test('R4: each run is in the file when it has ended: good, bad, back', async (t) => {
  const site = await makeMeasured(t, { builds: [{}, {}, { mode: 'status', status: 503 }] });
  const first = await readMetrics(site);
  assert.equal([runsOf(first, 'deploy', 'deployed'), valueOf(first, 'cutover_target_healthy')], [1, 1]);
  assert.is(valueOf(first, 'cutover_build_info', { build: buildId(1) }), 1);
  await site.call('deploy', [buildId(2)]);
  const bad = await site.call('deploy', [buildId(3)]);
  assert.is(bad.code, 4, bad.stderr);
  const second = await readMetrics(site);
  assert.equal([runsOf(second, 'deploy', 'deployed'), runsOf(second, 'deploy', 'rolled_back')], [2, 1]);
  assert.is(valueOf(second, 'cutover_run_failures_total', { reason: 'health' }), 1);
  assert.is(valueOf(second, 'cutover_last_run_outcome', { outcome: 'rolled_back' }), 1);
  assert.is(valueOf(second, 'cutover_builds_quarantined'), 1);
  assert.is(valueOf(second, 'cutover_run_in_flight'), 0);
  const { document } = await site.call('rollback');
  assert.is(document.outcome, 'deployed');
  const third = await readMetrics(site);
  assert.is(runsOf(third, 'rollback', 'deployed'), 1);
  assert.is(valueOf(third, 'cutover_build_info', { build: buildId(1) }), 1);
  assert.is(valueOf(third, 'cutover_run_downtime_seconds_count', { kind: 'deploy' }), 3);
  assert.ok((valueOf(third, 'cutover_unit_memory_bytes') ?? 0) > 1e6);
  assert.ok((valueOf(third, 'cutover_disk_size_bytes', { path: site.builds }) ?? 0) > 1e6);
});

test('R4: the build that is told is the one that runs, whatever current names', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}] });
  for (const number of [1, 2]) {
    const known = { sourceSha256: null, branch: null, files: 0, bytes: 0, createdAt: new Date(), contentsSha256: null };
    const path = site.sandbox.hostPath(`${site.builds}/${buildId(number)}/.cutover.json`);
    await writeFile(path, formatManifest({ ...known, revision: `revision-${number}` }));
  }
  const told = async (): Promise<Record<string, string>[]> => {
    const families = parseExposition(`${(await site.tell('status', '--metrics')).stdout.trimEnd()}\n`);
    return (families.get('cutover_build_info')?.samples ?? []).map(({ labels }) => labels);
  };
  await site.sandbox.run('ln', '-sfnr', `${site.builds}/${buildId(2)}`, `${site.builds}/current`);
  const [{ build, revision } = {}] = await told();
  assert.equal([build, revision], [buildId(1), 'revision-1']);
  await site.sandbox.run('systemctl', 'stop', site.unit);
  assert.equal(await told(), []);
});

test('R4: a prune that takes old ledgers away takes no count away', async (t) => {
  const site = await makeMeasured(t, { builds: [{}] });
  const paths = statePathsIn(site.sandbox.hostPath(site.state));
  for (let number = 0; number < ledgersKept + 20; number += 1) {
    const run = `20250101-${String(100_000 + number)}-4f2a`;
    await leaveRun(paths, run, number % 4 === 0 ? { outcome: 'failed' } : {});
  }
  const before = (await site.tell('status', '--metrics')).stdout;
  const { code, document, stderr } = await prune(site);
  assert.equal([code, document.failed], [0, []], stderr);
  assert.ok(document.removed.filter(({ kind }) => kind === 'ledger').length >= 15);
  assert.ok((await readdir(paths.runs)).length < ledgersKept + 10);
  assert.equal(counts((await site.tell('status', '--metrics')).stdout), counts(before));
  assert.equal(runsOf(await readMetrics(site), 'deploy', 'failed'), 30);
});

test('R4: ledgers that cannot be counted stay, and the prune says so', async (t) => {
  const site = await makeMeasured(t, { builds: [{}] });
  const paths = statePathsIn(site.sandbox.hostPath(site.state));
  for (let number = 0; number < ledgersKept + 5; number += 1)
    await leaveRun(paths, `20250101-${String(100_000 + number)}-4f2a`, {});
  const { length } = await readdir(paths.runs);
  await mkdir(`${paths.directory}/totals.json/in-the-way`, { recursive: true });
  const { document } = await prune(site);
  assert.is(document.failed[0]?.kind, 'ledger');
  assert.is((await readdir(paths.runs)).length, length);
});

test('R4: a run whose process was killed is counted by what settles it', async (t) => {
  const site = await makeMeasured(t, held);
  const run = await startDeploy(site);
  await untilBegun(site, 'start');
  run.child.kill('SIGKILL');
  await until('it is counted', async () => runsOf(await readMetrics(site), 'deploy', 'rolled_back') === 1, 60_000);
});

test('R4: a directory that is not there is a note, and the deploy is what it is', async (t) => {
  const site = await makeMeasured(t, { builds: [{}, {}] });
  await site.sandbox.run('rm', '-r', site.metrics);
  const { code, stderr } = await site.call('deploy');
  assert.is(code, 0, stderr);
  assert.match(stderr, 'the metrics were not written');
  const refused = await site.call<{ error: { message: string } }>('status', ['--metrics']);
  assert.equal([refused.code, refused.document.error.message], [64, '--metrics prints a text of its own, once']);
});
