import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { expositionOf } from '../../../lib/report/metrics/exposition.ts';
import type { TargetFacts } from '../../../lib/report/metrics/facts.ts';
import { familiesOf, familyRows } from '../../../lib/report/metrics/families.ts';
import { addRecovery, addRun, emptyTally } from '../../../lib/run/tally.ts';
import { documentWith, gateFailure } from '../../run/samples.ts';
import { repository } from '../../sandboxed.ts';
import { suite } from '../../suite.ts';
import { parseExposition, valueOf } from './parser.ts';

const test = suite('report/metrics/families');

function factsOf(changed: Partial<TargetFacts> = {}): TargetFacts {
  const tally = emptyTally();
  addRun(tally, documentWith({ duration_ms: 812, downtime_ms: 301 }));
  addRun(tally, documentWith({ duration_ms: 40_000, downtime_ms: null }));
  addRun(tally, documentWith({ outcome: 'rolled_back', failure: gateFailure, duration_ms: 100, downtime_ms: 0 }));
  addRun(tally, documentWith({ outcome: 'failed', failure: gateFailure, duration_ms: 9_000_000, kind: 'rollback' }));
  const startedMs = 1_770_131_480_500;
  addRecovery(tally, { outcome: 'deployed', startedMs, endedMs: startedMs + 200_000 });
  addRecovery(tally, { outcome: 'failed', startedMs, endedMs: startedMs + 700_000 });
  const unit = { healthy: true, active: true, restarts: 2, memoryBytes: 4096, changedMs: 1_770_131_480_500 };
  return {
    app: 'shop',
    target: 'production',
    unit: 'shop.service',
    strategy: 'restart',
    version: '1.2.3',
    tally,
    lastRun: { kind: 'rollback', outcome: 'failed' },
    present: { ...unit, build: 'dist.20260203-151116', revision: '4f2a9c1', branch: null, isInFlight: false },
    disks: [{ path: '/srv/shop', sizeBytes: 100, availableBytes: 40 }],
    builds: { there: 7, quarantined: 1 },
    ...changed,
  };
}

const textOf = (...facts: TargetFacts[]): string => expositionOf(familiesOf(facts));

test('R4: runs by kind and outcome, durations, downtime, health, build: all in one text that a collector takes', () => {
  const families = parseExposition(textOf(factsOf()));
  assert.equal([...families.keys()].toSorted(), familyRows.map(({ name }) => name).toSorted());
  const expected: [string, Record<string, string>, number | undefined][] = [
    ['cutover_runs_total', { kind: 'deploy', outcome: 'deployed' }, 2],
    ['cutover_runs_total', { kind: 'deploy', outcome: 'rolled_back' }, 1],
    ['cutover_runs_total', { kind: 'rollback', outcome: 'failed' }, 1],
    ['cutover_runs_total', { kind: 'recovery', outcome: 'failed' }, 0],
    ['cutover_recoveries_total', { outcome: 'recovered' }, 1],
    ['cutover_recoveries_total', { outcome: 'failed' }, 1],
    ['cutover_recovery_duration_seconds_bucket', { le: '300' }, 1],
    ['cutover_recovery_duration_seconds_sum', {}, 900],
    ['cutover_run_failures_total', { reason: 'health' }, 2],
    ['cutover_run_duration_seconds_count', { kind: 'deploy' }, 3],
    ['cutover_run_duration_seconds_sum', { kind: 'deploy' }, 40.912],
    ['cutover_run_duration_seconds_bucket', { kind: 'deploy', le: '0.1' }, 1],
    ['cutover_run_duration_seconds_bucket', { kind: 'deploy', le: '1' }, 2],
    ['cutover_run_duration_seconds_bucket', { kind: 'deploy', le: '60' }, 3],
    ['cutover_run_duration_seconds_bucket', { kind: 'rollback', le: '1800' }, 0],
    ['cutover_run_duration_seconds_bucket', { kind: 'rollback', le: '+Inf' }, 1],
    ['cutover_run_downtime_seconds_count', { kind: 'deploy' }, 2],
    ['cutover_run_downtime_seconds_sum', { kind: 'deploy' }, 0.301],
    ['cutover_last_run_timestamp_seconds', { outcome: 'rolled_back' }, Date.parse('2026-02-03T15:11:20.100Z') / 1_000],
    ['cutover_last_run_outcome', { outcome: 'failed' }, 1],
    ['cutover_last_run_outcome', { outcome: 'deployed' }, 0],
    ['cutover_target_healthy', { app: 'shop', target: 'production' }, 1],
    ['cutover_target_seen', {}, 1],
    ['cutover_unit_restarts_total', {}, 2],
    ['cutover_unit_memory_bytes', {}, 4096],
    ['cutover_unit_state_change_timestamp_seconds', {}, 1_770_131_480.5],
    ['cutover_build_info', { build: 'dist.20260203-151116', revision: '4f2a9c1', branch: '' }, 1],
    ['cutover_disk_available_bytes', { path: '/srv/shop' }, 40],
    ['cutover_builds_quarantined', {}, 1],
    ['cutover_target_info', { unit: 'shop.service', strategy: 'restart', version: '1.2.3' }, 1],
  ];
  for (const [name, labels, value] of expected) {
    assert.is(valueOf(families, name, labels), value, `${name} ${JSON.stringify(labels)}`);
  }
});

test('R4: of a unit that could not be looked at nothing is said but that', () => {
  const families = parseExposition(textOf(factsOf({ present: null, builds: null, disks: [], lastRun: null })));
  assert.is(valueOf(families, 'cutover_target_seen'), 0);
  for (const name of ['cutover_target_healthy', 'cutover_unit_active', 'cutover_build_info', 'cutover_builds'])
    assert.is(valueOf(families, name), undefined, name);
  assert.is(valueOf(families, 'cutover_runs_total', { kind: 'deploy', outcome: 'deployed' }), 2);
});

test('R4: before the first run everything is 0 that will be counted', () => {
  const families = parseExposition(textOf(factsOf({ tally: emptyTally(), lastRun: null })));
  const counts = families.get('cutover_runs_total')?.samples ?? [];
  assert.ok(counts.length >= 20 && counts.every(({ value }) => value === 0));
  assert.not.ok(families.has('cutover_run_duration_seconds'));
});

test('R4: targets share their families, and texts of several targets have no series in common', () => {
  const [one, other] = [factsOf(), factsOf({ target: 'staging' })];
  const both = parseExposition(textOf(one, other));
  const apart = [one, other].map((facts) => parseExposition(textOf(facts)));
  for (const [name, { help, type, samples }] of both) {
    assert.equal([help, type], [apart[0]?.get(name)?.help, apart[0]?.get(name)?.type], name);
    assert.equal(
      samples.length,
      apart.reduce((sum, text) => sum + (text.get(name)?.samples.length ?? 0), 0),
    );
  }
  const keysOf = (at: number): string[] =>
    [...(apart[at]?.values() ?? [])].flatMap(({ samples }) =>
      samples.map((one) => JSON.stringify([one.name, one.labels])),
    );
  assert.equal(
    keysOf(0).filter((key) => keysOf(1).includes(key)),
    [],
  );
});

test('R4: what a manifest says of its build cannot break the text', () => {
  const { present } = factsOf();
  const revision = 'x"} 1\ncutover_target_healthy{app="shop",target="production"} 0\\';
  const families = parseExposition(textOf(factsOf({ present: present && { ...present, revision } })));
  assert.is(valueOf(families, 'cutover_build_info', { revision }), 1);
  assert.is(valueOf(families, 'cutover_target_healthy'), 1);
});

test('R4: the dashboard asks for metrics and labels that there are, and for nothing else', async () => {
  const text = await readFile(join(repository, 'examples/grafana/cutover.json'), 'utf8');
  const { panels, templating } = JSON.parse(text) as {
    panels: { id: number; title: string; targets: { expr: string }[] }[];
    templating: { list: { query: string | { query: string } }[] };
  };
  const variables = templating.list.map(({ query }) => (typeof query === 'string' ? query : query.query));
  const queries = [...panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)), ...variables];
  const families = parseExposition(textOf(factsOf()));
  const samples = [...families.values()].flatMap((family) => family.samples);
  const asked = new Set(queries.flatMap((query) => query.match(/cutover_\w+/g) ?? []));
  assert.equal(
    [...asked].filter((name) => !samples.some((sample) => sample.name === name)),
    [],
  );
  const unasked = familyRows.map(({ name }) => name).filter((name) => ![...asked].some((one) => one.startsWith(name)));
  assert.equal(unasked, ['cutover_target_seen', 'cutover_unit_active', 'cutover_unit_state_change_timestamp_seconds']);
  const labels = new Set(samples.flatMap((sample) => Object.keys(sample.labels)));
  const named = queries.flatMap((query) => [
    ...[...query.matchAll(/by \(([^)]*)\)/g)].flatMap(([, list = '']) => list.split(', ')),
    ...[...query.matchAll(/(\w+)=~?"/g)].map(([, name = '']) => name),
  ]);
  assert.equal(
    [...new Set(named)].filter((name) => !labels.has(name)),
    [],
  );
  assert.is(new Set(panels.map(({ id }) => id)).size, panels.length);
  for (const query of queries) assert.is(count(query, '('), count(query, ')'), query);
});

function count(text: string, letter: string): number {
  return text.split(letter).length - 1;
}
