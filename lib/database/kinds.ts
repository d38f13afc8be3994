import type { DatabaseConfig } from '../config/model.ts';
import type { DatabaseKind } from './kind.ts';
import { postgres } from './postgres.ts';
import { sqlite } from './sqlite.ts';

/** Every kind of database that can be backed up and restored. */
export const databaseKinds = { sqlite, postgres } satisfies Record<DatabaseConfig['kind'], DatabaseKind>;
