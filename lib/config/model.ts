/** The configuration as the rest of the code sees it: every default filled in, durations in ms, sizes in bytes. */

export type ManagerKind = 'system' | 'user';
export type StrategyName = 'restart' | 'socket' | 'overlap';

/** A limit that may be a share of the whole (`80%`) or an amount. */
export type Amount = { percent: number } | { bytes: number };

export interface HealthConfig {
  /** what to ask; empty: the unit's own state is all there is to go by */
  urls: string[];
  /** accepted statuses as inclusive ranges: 200 is [200, 200], "2xx" is [200, 299] */
  statuses: [from: number, to: number][];
  /** dotted path in the JSON body, and the value that must stand there */
  json: Record<string, string | number | boolean>;
  body: string | null;
  headers: Record<string, string>;
  attempts: number;
  intervalMs: number;
  timeoutMs: number;
  successes: number;
  healthyForMs: number;
  identity: boolean;
  standinUrl: string | null;
}

export interface LimitsConfig {
  diskUsed: Amount;
  memoryAvailable: Amount;
  /** null: 90 % of the unit's own MemoryMax= where that is set */
  memoryBytes: number | null;
  memorySpike: number;
  /** percent of one processor over the gate's time; null: off */
  cpuPercent: number | null;
  /** allowed entries of priority err or worse; -1: off */
  journalErrors: number;
  journalPattern: string | null;
}

export interface HookConfig {
  /** `shell`: the user's line for /bin/sh -c; otherwise the command as data */
  run: { shell: string } | { command: [string, ...string[]] };
  timeoutMs: number;
  dir: string | null;
  user: string | null;
  fallback: { shell: string } | { command: [string, ...string[]] } | null;
}

export type HookName =
  | 'fetch'
  | 'test'
  | 'build'
  | 'migrate'
  | 'smoke'
  | 'repair'
  | 'deployed'
  | 'rolled_back'
  | 'failed';

/** A configured check: its kind decides which further keys it has. */
export interface CheckConfig {
  name: string;
  kind: string;
  when: ('before' | 'after' | 'monitor')[];
  severity: 'fail' | 'warn';
  options: Record<string, unknown>;
}

export interface DatabaseConfig {
  kind: 'sqlite' | 'postgres';
  path: string | null;
  url: string | null;
  urlFile: string | null;
  backups: string;
  keep: number;
  keepForMs: number;
  required: boolean;
  restoreOnRollback: boolean;
  verify: string | null;
}

export interface MonitorConfig {
  everyMs: number;
  failures: number;
  action: 'alert' | 'restart' | 'rollback';
  bakeMs: number;
}

export interface TargetConfig {
  name: string;
  unit: string;
  builds: string;
  strategy: StrategyName;
  ports: number[];
  /** whose pushes are deployed; empty: none */
  branch: string;
  allowForce: boolean;
  keep: number;
  environment: Record<string, string>;
  stopTimeoutMs: number;
  startTimeoutMs: number;
  health: HealthConfig;
  limits: LimitsConfig;
  /** a list for each configured hook; a missing name is not configured */
  hooks: Partial<Record<HookName, HookConfig[]>>;
  database: DatabaseConfig | null;
  checks: CheckConfig[];
  /** null: not configured */
  monitor: MonitorConfig | null;
}

export interface ChannelConfig {
  channel: 'telegram' | 'slack' | 'discord' | 'webhook';
  on: string[];
  options: Record<string, unknown>;
}

export interface Config {
  /** the file it was read from; null for the direct form */
  file: string | null;
  app: string;
  manager: ManagerKind;
  state: string;
  logs: string;
  /** the directory for the metrics of each target; null: none are written */
  metrics: string | null;
  targets: Record<string, TargetConfig>;
  notify: ChannelConfig[];
  /** null: not configured */
  recovery: { attempts: number; delayMs: number; quorum: number; phases: string[][] | null } | null;
  serve: { listen: string; secretFile: string | null; tokenFile: string | null } | null;
}
