import { healthOf } from '../../../lib/report/page/health.ts';
import type { HealthSample, PageModel, ShownRun, ShownTarget } from '../../../lib/report/page/model.ts';
import { shownRun } from '../../../lib/report/page/runs.ts';
import { figuresOf } from '../../../lib/report/slo.ts';
import type { RunDocument } from '../../../lib/run/document.ts';
import { documentWith, gateFailure, inputsOf } from '../../run/samples.ts';

/** All of it happened before this moment. */
export const nowMs = Date.parse('2026-02-04T03:12:40.000Z');

const steps: RunDocument['steps'] = [
  { name: 'stop', status: 'done', duration_ms: 41 },
  { name: 'free-port', status: 'done', duration_ms: 3 },
  { name: 'swap', status: 'done', duration_ms: 2 },
  { name: 'start', status: 'done', duration_ms: 214 },
  { name: 'gate', status: 'done', duration_ms: 540 },
];

/** A run that ended so long ago. */
export function runOf(agoMs: number, changed: Partial<RunDocument> = {}): ShownRun {
  const at = new Date(nowMs - agoMs);
  const run = `${at.toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-')}-4f2a`;
  const inputs = { ...inputsOf(run, { startedAt: at.toISOString(), revision: '4f2a9c1', branch: 'main' }) };
  const document = documentWith({ steps, target: 'production', ...changed }, inputs);
  return shownRun(document, { manager: 'system', redact: (text) => text, config: null });
}

const [minute, hour] = [60_000, 3_600_000];

/** The runs of some days, newest first. */
function somePast(): ShownRun[] {
  const past = [
    runOf(24 * minute),
    runOf(51 * minute, { outcome: 'rolled_back', failure: gateFailure, duration_ms: 9_400, downtime_ms: 1_830 }),
    runOf(3 * hour, { outcome: 'refused', downtime_ms: null, duration_ms: 120, to: null, steps: [] }),
    runOf(9 * hour, { kind: 'recovery', duration_ms: 4_100, downtime_ms: 2_700 }),
    runOf(9.2 * hour, { outcome: 'failed', failure: gateFailure, duration_ms: 64_000, downtime_ms: 61_000 }),
  ];
  const older = Array.from({ length: 36 }, (_, index) => {
    const ms = 400 + ((index * 7919) % 2600);
    return runOf((14 + index * 5.7) * hour, { duration_ms: ms, downtime_ms: index % 3 === 0 ? 0 : Math.round(ms / 3) });
  });
  return [...past, ...older];
}

export function samplesOf(count: number, failed: readonly number[] = []): HealthSample[] {
  return Array.from({ length: count }, (_, index) => ({
    at: new Date(nowMs - (count - index) * 3_000).toISOString(),
    ok: !failed.includes(index),
    response_ms: failed.includes(index) ? 0.4 : 8 + ((index * 31) % 17) + (index % 13 === 0 ? 40 : 0),
  }));
}

/** A target that is well. */
export function targetWith(changed: Partial<ShownTarget> = {}): ShownTarget {
  const url = 'http://127.0.0.1:9000/api/health';
  return {
    target: 'production',
    config: '/etc/cutover/cutover.toml',
    unit: 'shop-production.service',
    strategy: 'restart',
    ports: [9000],
    standing: 'up',
    findings: [],
    next: [],
    unit_state: {
      state: 'active',
      sub_state: 'running',
      since: new Date(nowMs - 24 * minute).toISOString(),
      main_pid: 41_207,
      restarts: 0,
      memory_bytes: 61_400_000,
      memory_max_bytes: 536_870_912,
    },
    build: {
      current: 'dist.20260203-151116',
      serving: 'dist.20260203-151116',
      revision: '4f2a9c1',
      branch: 'main',
      since: new Date(nowMs - 24 * minute).toISOString(),
      previous: 'dist.20260203-123600',
    },
    health: healthOf(samplesOf(54), [{ url, status: 200, problem: null, response_ms: 12.4 }]),
    running: null,
    holder: null,
    requests: [],
    runs: somePast(),
    figures: someFigures(),
    recent_errors: [],
    ...changed,
  };
}

function someFigures(): NonNullable<ShownTarget['figures']> {
  const startedMs = nowMs - 9.2 * hour;
  const timed = { run: '20260203-180040-4f2a', kind: 'deploy', outcome: 'failed', isBegun: true } as const;
  const failing = {
    run: timed.run,
    fromMs: startedMs,
    untilMs: startedMs + 12 * minute,
    unprovenMs: startedMs + minute,
  };
  return figuresOf(
    {
      runs: [
        { ...timed, causeMs: null, startedMs, failedMs: startedMs, endedMs: startedMs + minute, downtimeMs: 61_000 },
      ],
      failings: [{ ...failing, endedBy: 'recovery' }],
    },
    { fromMs: nowMs - 9 * 24 * hour, nowMs },
  );
}

/** A target that is down, and a person has to do something. */
export function downTarget(): ShownTarget {
  const url = 'http://127.0.0.1:9000/api/health';
  const failed = runOf(2 * minute, {
    outcome: 'failed',
    failure: { ...gateFailure, message: 'answered 500 instead of 200; the build before does not start either' },
    duration_ms: 64_000,
    downtime_ms: null,
    active: 'dist.20260203-123600',
  });
  return targetWith({
    standing: 'down',
    findings: ['shop-production.service is failed (exit-code), and systemd gave up after 3 restarts'],
    next: failed.next,
    runs: [failed, ...somePast()],
    unit_state: {
      state: 'failed',
      sub_state: 'failed',
      since: new Date(nowMs - minute).toISOString(),
      main_pid: null,
      restarts: 3,
      memory_bytes: null,
      memory_max_bytes: null,
    },
    health: healthOf(samplesOf(40, [34, 35, 36, 37, 38, 39]), [
      { url, status: null, problem: 'connection refused', response_ms: 0.4 },
    ]),
    recent_errors: ["03:11:02 Error: Cannot find module './routes'", '03:11:04 Main process exited, code=exited'],
  });
}

function began(agoMs: number): string {
  return new Date(nowMs - agoMs).toISOString();
}

/** A target with a run at work. */
export function changingTarget(): ShownTarget {
  return targetWith({
    target: 'staging',
    standing: 'changing',
    next: ['cutover logs staging --follow'],
    running: {
      run: '20260204-031236-91b0',
      kind: 'deploy',
      state: 'at_work',
      from: 'dist.20260203-151116',
      to: 'dist.20260204-031200',
      revision: 'b8113fe',
      branch: 'main',
      started_at: began(4_000),
      steps: [
        { name: 'stop', state: 'done', began_at: began(3_900), duration_ms: 41 },
        { name: 'free-port', state: 'done', began_at: began(3_800), duration_ms: 3 },
        { name: 'swap', state: 'done', began_at: began(3_790), duration_ms: 2 },
        { name: 'start', state: 'done', began_at: began(3_700), duration_ms: 214 },
        { name: 'gate', state: 'now', began_at: began(3_400), duration_ms: null },
        { name: 'smoke', state: 'ahead', began_at: null, duration_ms: null },
      ],
      failure: null,
    },
  });
}

export function modelWith(targets: ShownTarget[]): PageModel {
  return {
    app: 'shop',
    version: '0.1.0',
    at: new Date(nowMs).toISOString(),
    targets,
    machine: {
      memory_total_bytes: 8 * 1024 ** 3,
      memory_available_bytes: 5.2 * 1024 ** 3,
      disks: [
        { path: '/srv/shop/builds', used_percent: 61.3, available_bytes: 12 * 1024 ** 3 },
        { path: '/var/lib/cutover', used_percent: 91, available_bytes: 1.4 * 1024 ** 3 },
      ],
    },
  };
}
