import type { ManagerKind } from '../config/model.ts';

/** What systemd knows of a service at one moment (org.freedesktop.systemd1(5), Unit and Service objects). */
export interface UnitFacts {
  unit: string;
  /** whose unit it is */
  manager: ManagerKind;
  loadState: string;
  loadError: string | null;
  activeState: string;
  subState: string;
  /** `success`, `exit-code`, `signal`, `timeout`, `start-limit-hit`, `oom-kill` … */
  result: string;
  fragmentPath: string | null;
  needDaemonReload: boolean;
  /** 32 hex digits, new for each start; empty while the unit never ran */
  invocationId: string;
  mainPid: number;
  execMainCode: number;
  execMainStatus: number;
  restarts: number;
  restart: string;
  type: string;
  startLimitBurst: number;
  startLimitIntervalMs: number;
  stopTimeoutMs: number;
  workingDirectory: string | null;
  user: string | null;
  controlGroup: string | null;
  memoryBytes: number | null;
  memoryMaxBytes: number | null;
  cpuNs: number | null;
  /** milliseconds since the epoch of the last change of state; 0: never */
  stateChangedMs: number;
  triggeredBy: string[];
}

/** "Not set" and "infinity" are both 2^64-1 on the bus. */
const unset = 2n ** 64n - 1n;

/** Reads facts from the two `GetAll` answers, with variants already unwrapped. */
export function factsFrom(unit: string, properties: Map<string, unknown>, manager: ManagerKind): UnitFacts {
  const text = (name: string): string => textOf(properties.get(name));
  const count = (name: string): number => amount(properties.get(name)) ?? 0;
  const loadError = properties.get('LoadError') as [string, string] | undefined;
  return {
    unit,
    manager,
    loadState: text('LoadState'),
    loadError: loadError?.[0] ? loadError[1] || loadError[0] : null,
    activeState: text('ActiveState'),
    subState: text('SubState'),
    result: text('Result'),
    fragmentPath: text('FragmentPath') || null,
    needDaemonReload: properties.get('NeedDaemonReload') === true,
    invocationId: invocationIdOf(properties.get('InvocationID')),
    mainPid: count('MainPID'),
    execMainCode: count('ExecMainCode'),
    execMainStatus: count('ExecMainStatus'),
    restarts: count('NRestarts'),
    restart: text('Restart'),
    type: text('Type'),
    startLimitBurst: count('StartLimitBurst'),
    startLimitIntervalMs: count('StartLimitIntervalUSec') / 1000,
    stopTimeoutMs: (amount(properties.get('TimeoutStopUSec')) ?? Number.POSITIVE_INFINITY) / 1000,
    workingDirectory: text('WorkingDirectory') || null,
    user: text('User') || null,
    controlGroup: text('ControlGroup') || null,
    memoryBytes: amount(properties.get('MemoryCurrent')),
    memoryMaxBytes: amount(properties.get('MemoryMax')),
    cpuNs: amount(properties.get('CPUUsageNSec')),
    stateChangedMs: count('StateChangeTimestamp') / 1000,
    triggeredBy: (properties.get('TriggeredBy') as string[] | undefined) ?? [],
  };
}

/** A text from the bus; empty for what is not there. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** A number from the bus, or null for what is not set. */
export function amount(value: unknown): number | null {
  if (typeof value === 'number') return value;
  return typeof value === 'bigint' && value !== unset ? Number(value) : null;
}

/** The invocation's id as journald writes it. */
export function invocationIdOf(value: unknown): string {
  return value ? Buffer.from(value as Uint8Array).toString('hex') : '';
}

/** Whether the unit gave up: it failed although it was to be restarted (`Result=` keeps the last exit's reason). */
export function hasGivenUp(facts: UnitFacts): boolean {
  return facts.activeState === 'failed' && (facts.result === 'start-limit-hit' || facts.restart !== 'no');
}

/** Whether the main process is there and the unit is up. */
export function isRunning(facts: UnitFacts): boolean {
  return facts.activeState === 'active' && facts.subState === 'running' && facts.mainPid > 0;
}
