import { stat } from 'node:fs/promises';
import { shellLine } from '../../base/shell-words.ts';
import type { Ownership, SqliteOptions } from '../../config/check-options.ts';
import { querySqlite } from '../../stores/sqlite.ts';
import type { Answer } from '../check.ts';
import { combined } from './combined.ts';
import type { Kind } from './kind.ts';
import { askOwnership } from './ownership.ts';
import { askQuery, askStored, type AskStore } from './stored.ts';

/** B1: a SQLite file is whose it must be, opens, is whole, and has its tables. */
export const sqliteKind: Kind<SqliteOptions> = {
  async ask({ path, integrity, tables, query, timeoutMs, ...ownership }, { mayMend, signal }) {
    const whose = await askFiles(path, ownership, mayMend);
    // A file that is not there has no tables either.
    if (whose.observed.startsWith('there is no ')) return whose;
    const ask: AskStore = (sql) => querySqlite(path, sql, { timeoutMs, signal });
    const mend = shellLine(['sqlite3', path, 'PRAGMA integrity_check; .tables']);
    const opens = await askWhole(ask, { integrity, mend }, signal);
    const parts: [string, Answer][] = [
      ['file', whose],
      ['database', opens],
    ];
    if (opens.status !== 'pass') return combined(parts);
    if (tables.length > 0) parts.push(['tables', await askTables(ask, { tables, mend }, signal)]);
    if (query !== null) parts.push(['query', await askQuery(ask, query, mend, signal)]);
    return combined(parts);
  },
};

/** The two files beside it, which SQLite has in WAL mode, belong to the database: one of root's keeps others from writing. */
async function askFiles(path: string, ownership: Ownership, mayMend: boolean): Promise<Answer> {
  const beside = await Promise.all(
    [`${path}-wal`, `${path}-shm`].map((name) =>
      stat(name).then(
        () => [name],
        () => [],
      ),
    ),
  );
  const own = await askOwnership(path, ownership, mayMend);
  const others = await Promise.all(beside.flat().map((name) => askOwnership(name, ownership, mayMend)));
  return others.find(({ status }) => status !== 'pass' && own.status === 'pass') ?? own;
}

function askWhole(
  ask: AskStore,
  { integrity, mend }: { integrity: boolean; mend: string },
  signal: AbortSignal,
): Promise<Answer> {
  // Without it nothing of the file would be read.
  const sql = integrity ? 'PRAGMA quick_check(1)' : 'PRAGMA schema_version';
  const question = { sql, expected: integrity ? 'a whole database' : 'a database', mend };
  const judge = ([first = 'nothing']: string[]) => {
    const isWhole = !integrity || first === 'ok';
    return { problem: isWhole ? null : `damaged: ${first}`, observed: integrity ? 'whole' : 'opens' };
  };
  return askStored(ask, question, judge, signal);
}

function askTables(
  ask: AskStore,
  { tables, mend }: { tables: readonly string[]; mend: string },
  signal: AbortSignal,
): Promise<Answer> {
  const sql = "SELECT name FROM sqlite_master WHERE type IN ('table', 'view')";
  const judge = (rows: string[]) => {
    const known = new Set(rows.map((row) => row.toLowerCase()));
    const missing = tables.filter((name) => !known.has(name.toLowerCase()));
    const problem = missing.length === 0 ? null : `no table ${missing.join(', ')}`;
    return { problem, observed: `${tables.length} of ${rows.length} tables are those` };
  };
  return askStored(ask, { sql, expected: `tables ${tables.join(', ')}`, mend }, judge, signal);
}
