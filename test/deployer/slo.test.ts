import { appendFile, mkdir, writeFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { slo } from '../../lib/deployer/slo.ts';
import type { RunDocument } from '../../lib/run/document.ts';
import { ledgerPath, type StatePaths } from '../../lib/run/state.ts';
import { documentWith, gateFailure, inputsOf, makeState } from '../run/samples.ts';
import { suite } from '../suite.ts';

const test = suite('deployer/slo');
const begin = Date.parse('2026-02-03T12:00:00.000Z');
const [second, hour, day] = [1_000, 3_600_000, 86_400_000];
const about = { app: 'shop', target: 'production' };

/** Leaves the ledger of a run that began so long after the first moment, failed after 2 s and ended after 5 s. */
async function leave(paths: StatePaths, afterMs: number, changed: Partial<RunDocument> | null): Promise<string> {
  const at = (ms: number): string => new Date(begin + afterMs + ms).toISOString();
  const run = `${at(0).slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-')}-0000`;
  const inputs = inputsOf(run, { startedAt: at(0), kind: changed?.kind ?? 'deploy' });
  const lines: object[] = [
    { at: at(0), type: 'begin', inputs },
    { at: at(0), type: 'step', name: 'stop', state: 'intended' },
  ];
  if (changed?.failure) lines.push({ at: at(2 * second), type: 'failure', failure: gateFailure });
  if (changed) lines.push({ at: at(5 * second), type: 'outcome', document: documentWith(changed, inputs) });
  await mkdir(paths.runs, { recursive: true });
  await writeFile(ledgerPath(paths, run), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  return run;
}

const back = { outcome: 'rolled_back', failure: gateFailure } as const;
const failed = { outcome: 'failed', failure: gateFailure } as const;

test('R7: the figures come from the ledgers, with the times that stand in their lines', async (t) => {
  const paths = await makeState(t);
  await leave(paths, 0, {});
  const first = await leave(paths, hour, back);
  const last = await leave(paths, 2 * hour, failed);
  await leave(paths, 3 * hour, { kind: 'rollback', outcome: 'deployed' });
  const report = await slo({ ...about, paths }, { sinceMs: null, nowMs: begin + day });
  assert.equal([report.since, report.window_ms, report.runs], ['2026-02-03T12:00:00.000Z', day, 4]);
  assert.equal(report.failures, [
    {
      run: first,
      at: '2026-02-03T13:00:02.000Z',
      recovered_at: '2026-02-03T13:00:05.000Z',
      recovered_by: 'way_back',
      took_ms: 3_000,
    },
    {
      run: last,
      at: '2026-02-03T14:00:02.000Z',
      recovered_at: '2026-02-03T15:00:05.000Z',
      recovered_by: 'rollback',
      took_ms: hour + 3 * second,
    },
  ]);
  const { recovery_success, time_to_recovery_ms, availability, time_between_failures_ms } = report.figures;
  assert.is(recovery_success.value, 1);
  assert.equal([time_to_recovery_ms.value, time_to_recovery_ms.met], [(hour + 6 * second) / 2, false]);
  assert.is(availability.value, 1 - (hour + 3 * 301) / day);
  assert.is(time_between_failures_ms.value, day / 2);
});

test('R7: a stretch begins when it was asked to, and a failure that goes on in it counts', async (t) => {
  const paths = await makeState(t);
  await leave(paths, 0, {});
  await leave(paths, hour, failed);
  const nowMs = begin + 10 * hour;
  const report = await slo({ ...about, paths }, { sinceMs: 2 * hour, nowMs });
  assert.equal([report.runs, report.window_ms, report.failures.length], [0, 2 * hour, 1]);
  assert.equal([report.figures.recovery_success.value, report.failures[0]?.recovered_at], [0, null]);
  assert.is(report.figures.availability.value, 0);
  const longer = await slo({ ...about, paths }, { sinceMs: 5 * day, nowMs });
  assert.equal([longer.runs, longer.window_ms], [2, 10 * hour], 'nothing is known of the time before the first run');
  assert.is(longer.figures.availability.value, 1 - (2 * 301 + 9 * hour - 5 * second) / (10 * hour));
});

test('R7: a torn ledger is passed over, one without an end makes the availability unknown, none is no error', async (t) => {
  const paths = await makeState(t);
  const none = await slo({ ...about, paths }, { sinceMs: null, nowMs: begin });
  assert.equal([none.since, none.runs, none.figures.availability.value], [null, 0, null]);
  await leave(paths, 0, {});
  const torn = await leave(paths, hour, {});
  await writeFile(ledgerPath(paths, torn), '{"at":');
  assert.is(
    (await slo({ ...about, paths }, { sinceMs: null, nowMs: begin + day })).figures.availability.value,
    1 - 301 / day,
  );
  const cutOff = await leave(paths, 2 * hour, null);
  await appendFile(ledgerPath(paths, cutOff), '{"at":"20');
  const report = await slo({ ...about, paths }, { sinceMs: null, nowMs: begin + day });
  assert.equal([report.runs, report.figures.availability.value], [2, null]);
});
