import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { isCutoverError } from '../../lib/base/errors.ts';
import { exec } from '../../lib/base/exec.ts';
import type { DatabaseConfig } from '../../lib/config/model.ts';
import type { BackupOwner } from '../../lib/database/names.ts';
import { makeDirectory } from '../builds/directory.ts';
import type { TestContext } from '../suite.ts';

const common = { keep: 3, keepForMs: 7 * 86_400_000, required: false, restoreOnRollback: false, verify: null };

/** A target with a SQLite file of its own and an empty directory for its backups. */
export async function makeSqlite(
  t: TestContext,
  sql: string,
  more: Partial<DatabaseConfig> = {},
): Promise<BackupOwner> {
  const directory = await makeDirectory(t);
  const path = join(directory, 'app.db');
  await sqlite(path, sql);
  const where = { path, url: null, urlFile: null, backups: join(directory, 'backups') };
  return { app: 'shop', target: 'production', database: { kind: 'sqlite', ...common, ...where, ...more } };
}

/** A target with a PostgreSQL database, and an empty directory for its backups. */
export async function makePostgres(
  t: TestContext,
  url: string,
  more: Partial<DatabaseConfig> = {},
): Promise<BackupOwner> {
  const where = { path: null, url, urlFile: null, backups: join(await makeDirectory(t), 'backups') };
  return { app: 'shop', target: 'production', database: { kind: 'postgres', ...common, ...where, ...more } };
}

/** What the sqlite3 shell says to a query. */
export async function sqlite(path: string, sql: string): Promise<string> {
  const { code, stdout, stderr } = await exec(['sqlite3', '-cmd', '.timeout 20000', path, sql], { timeoutMs: 60_000 });
  assert.is(code, 0, stderr);
  return stdout;
}

/** The message and the mend of what an act is refused with. */
export async function refusal(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (isCutoverError(error)) return `${error.code}: ${error.message} -> ${error.mend}`;
    throw error;
  }
  throw new Error('nothing was refused');
}
