import type { ManagerKind } from '../config/model.ts';

/** What systemd knows of a service at one moment (org.freedesktop.systemd1(5), Unit and Service objects). */
export interface UnitFacts extends UnitSettings, UnitResources {
  unit: string;
  /** its own name, where `unit` is an alias of it (`Id`, org.freedesktop.systemd1(5)) */
  id: string;
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
  /** milliseconds since the epoch of the last change of state; 0: never */
  stateChangedMs: number;
  triggeredBy: string[];
  /** what is stopped with it (systemd.unit(5)) */
  bound: string[];
}

/** How a unit tells of those that are stopped with it: they have `Requires=`, `BindsTo=`, `PartOf=` or `StopPropagatedFrom=` of it. */
export const boundNames = ['RequiredBy', 'BoundBy', 'ConsistsOf', 'PropagatesStopTo'] as const;

/** What tells how a service is that has just been started. */
export type UnitVitals = Pick<
  UnitFacts,
  | 'unit'
  | 'activeState'
  | 'subState'
  | 'invocationId'
  | 'mainPid'
  | 'restarts'
  | 'memoryBytes'
  | 'memoryMaxBytes'
  | 'cpuNs'
>;

/** The properties of a unit and of a service that tell it. */
export const vitalProperties = {
  Unit: ['ActiveState', 'SubState', 'InvocationID'],
  Service: ['MainPID', 'NRestarts', 'MemoryCurrent', 'MemoryMax', 'CPUUsageNSec'],
} as const;

/** What names directories that systemd makes for a service and gives to its user, again and whole when that is another one. */
export const ownDirectorySettings = ['StateDirectory', 'CacheDirectory', 'LogsDirectory', 'RuntimeDirectory'] as const;

/** What stands in its files. */
export interface UnitSettings {
  restart: string;
  type: string;
  startLimitBurst: number;
  startLimitIntervalMs: number;
  stopTimeoutMs: number;
  workingDirectory: string | null;
  user: string | null;
}

/** What its processes use and may use, and where that is counted. */
export interface UnitResources {
  controlGroup: string | null;
  memoryBytes: number | null;
  memoryMaxBytes: number | null;
  cpuNs: number | null;
}

/** Gives a property by its name, undefined where it is not there. */
type Get = (name: string) => unknown;

/** "Not set" and "infinity" are both 2^64-1 on the bus. */
const unset = 2n ** 64n - 1n;

/** Reads facts from the two `GetAll` answers, with variants already unwrapped. */
export function factsFrom(unit: string, properties: Map<string, unknown>, manager: ManagerKind): UnitFacts {
  const get = (name: string): unknown => properties.get(name);
  const loadError = get('LoadError') as [string, string] | undefined;
  return {
    unit,
    id: textOf(get('Id')) || unit,
    manager,
    loadState: textOf(get('LoadState')),
    loadError: loadError?.[0] ? loadError[1] || loadError[0] : null,
    activeState: textOf(get('ActiveState')),
    subState: textOf(get('SubState')),
    result: textOf(get('Result')),
    fragmentPath: textOf(get('FragmentPath')) || null,
    needDaemonReload: get('NeedDaemonReload') === true,
    invocationId: invocationIdOf(get('InvocationID')),
    mainPid: countOf(get('MainPID')),
    execMainCode: countOf(get('ExecMainCode')),
    execMainStatus: countOf(get('ExecMainStatus')),
    restarts: countOf(get('NRestarts')),
    ...settingsFrom(get),
    ...resourcesFrom(get),
    stateChangedMs: countOf(get('StateChangeTimestamp')) / 1000,
    ...bondsFrom(get),
  };
}

function bondsFrom(get: Get): Pick<UnitFacts, 'triggeredBy' | 'bound'> {
  const unitsOf = (name: string): string[] => (get(name) as string[] | undefined) ?? [];
  return { triggeredBy: unitsOf('TriggeredBy'), bound: boundNames.flatMap(unitsOf) };
}

function settingsFrom(get: Get): UnitSettings {
  return {
    restart: textOf(get('Restart')),
    type: textOf(get('Type')),
    startLimitBurst: countOf(get('StartLimitBurst')),
    startLimitIntervalMs: countOf(get('StartLimitIntervalUSec')) / 1000,
    stopTimeoutMs: (amount(get('TimeoutStopUSec')) ?? Number.POSITIVE_INFINITY) / 1000,
    workingDirectory: textOf(get('WorkingDirectory')) || null,
    user: textOf(get('User')) || null,
  };
}

function resourcesFrom(get: Get): UnitResources {
  return {
    controlGroup: textOf(get('ControlGroup')) || null,
    memoryBytes: amount(get('MemoryCurrent')),
    memoryMaxBytes: amount(get('MemoryMax')),
    cpuNs: amount(get('CPUUsageNSec')),
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

function countOf(value: unknown): number {
  return amount(value) ?? 0;
}

/** The invocation's id as journald writes it. */
export function invocationIdOf(value: unknown): string {
  return value ? Buffer.from(value as Uint8Array).toString('hex') : '';
}

/** Whether the unit gave up: it failed although it was to be restarted (`Result=` keeps the last exit's reason). */
export function hasGivenUp(facts: UnitFacts): boolean {
  return facts.activeState === 'failed' && (facts.result === 'start-limit-hit' || facts.restart !== 'no');
}

/** Whether a unit's `ActiveState` says that it is up: one that reads its configuration again serves meanwhile. */
export function isActive(activeState: unknown): boolean {
  return activeState === 'active' || activeState === 'reloading';
}

/** Whether a unit's `ActiveState` says that it is down: then what still runs of it is left over. */
export function isDown(activeState: unknown): boolean {
  return activeState === 'inactive' || activeState === 'failed';
}

/** What tells whether a unit is up, as systemd has it. */
export interface Standing {
  type: unknown;
  activeState: unknown;
  subState: unknown;
  mainPid: number;
}

/** Whether the unit is up without a process, by design: its command has done its work (`Type=oneshot`, `RemainAfterExit=yes`). */
export function isDone({ type, activeState, subState }: Omit<Standing, 'mainPid'>): boolean {
  return type === 'oneshot' && activeState === 'active' && subState === 'exited';
}

/**
 * Whether the unit is up, with its main process there unless it has none by design: its command is done, or systemd knows none
 * (`Type=forking` without a PID file, systemd.service(5)).
 */
export function isUp(unit: Standing): boolean {
  const { type, activeState, subState, mainPid } = unit;
  if (isDone(unit)) return true;
  const isRunning = activeState === 'reloading' || (activeState === 'active' && subState === 'running');
  return isRunning && (mainPid > 0 || type === 'forking' || type === 'dbus');
}
