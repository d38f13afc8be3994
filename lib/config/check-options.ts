/** What `CheckConfig.options` holds for each kind; the rows of `schema/check-kinds.ts` and `schema/store-kinds.ts` fill it. */

import type { HealthConfig, HookConfig } from './model.ts';

export interface CommandOptions {
  run: HookConfig['run'];
  timeoutMs: number;
  /** null: the build */
  dir: string | null;
  user: string | null;
}

/** Whose a file must be; null: any. */
export interface Ownership {
  owner: string | null;
  group: string | null;
  /** permission bits: 0o600 */
  mode: number | null;
  /** what is wrong is put right */
  mend: boolean;
}

export interface FileOptions extends Ownership {
  path: string;
}

export interface EnvOptions extends Ownership {
  path: string;
  keys: string[];
}

export type HttpOptions = Pick<HealthConfig, 'urls' | 'statuses' | 'json' | 'body' | 'headers' | 'timeoutMs'>;

export interface TcpOptions {
  host: string;
  port: number;
  timeoutMs: number;
}

export interface ProcessesOptions {
  min: number | null;
  max: number | null;
  count: number | null;
}

export interface SqliteOptions extends Ownership {
  path: string;
  integrity: boolean;
  timeoutMs: number;
  tables: string[];
  query: string | null;
}

export interface PostgresOptions {
  timeoutMs: number;
  url: string | null;
  urlFile: string | null;
  tables: string[];
  query: string | null;
}

export interface LogOptions {
  /** path and unit null: the target's own unit */
  path: string | null;
  unit: string | null;
  pattern: string;
  sinceMs: number | null;
  lines: number;
}

export interface BackupsOptions {
  dir: string;
  maxAgeMs: number | null;
  min: number;
  max: number | null;
}

/** What each kind of check is asked with. */
export interface OptionsOfKind {
  command: CommandOptions;
  file: FileOptions;
  env: EnvOptions;
  http: HttpOptions;
  tcp: TcpOptions;
  processes: ProcessesOptions;
  sqlite: SqliteOptions;
  postgres: PostgresOptions;
  log: LogOptions;
  backups: BackupsOptions;
}
