import type { UnitFacts } from '../../lib/systemd/facts.ts';

/** A unit that runs as it should, with what a test changes. */
export function factsWith(changed: Partial<UnitFacts> = {}): UnitFacts {
  return {
    unit: 'app.service',
    id: 'app.service',
    manager: 'system',
    loadState: 'loaded',
    loadError: null,
    activeState: 'active',
    subState: 'running',
    result: 'success',
    fragmentPath: '/etc/systemd/system/app.service',
    needDaemonReload: false,
    invocationId: 'ab'.repeat(16),
    mainPid: 4711,
    execMainCode: 0,
    execMainStatus: 0,
    restarts: 0,
    restart: 'always',
    type: 'exec',
    startLimitBurst: 3,
    startLimitIntervalMs: 300_000,
    stopTimeoutMs: 10_000,
    workingDirectory: '/srv/app/builds/current',
    user: null,
    controlGroup: '/system.slice/app.service',
    memoryBytes: 50_000_000,
    memoryMaxBytes: null,
    cpuNs: 1_000_000,
    stateChangedMs: Date.parse('2026-02-03T15:11:20.000Z'),
    triggeredBy: [],
    bound: [],
    ...changed,
  };
}
