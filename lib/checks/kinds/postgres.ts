import { shellLine, shellWord } from '../../base/shell-words.ts';
import type { PostgresOptions } from '../../config/check-options.ts';
import { queryPostgres } from '../../stores/postgres.ts';
import type { Answer } from '../check.ts';
import { combined } from './combined.ts';
import type { Kind } from './kind.ts';
import { askQuery, askStored, type AskStore, type Judgement, sqlText } from './stored.ts';

/** B4: a PostgreSQL database can be reached, and has its tables. */
export const postgresKind: Kind<PostgresOptions> = {
  async ask({ url, urlFile, tables, query, timeoutMs }, { signal }) {
    const ask: AskStore = (sql) => queryPostgres({ url, urlFile }, sql, { timeoutMs, signal });
    const mend = url === null ? `ls -l ${shellWord(urlFile ?? '')}; systemctl status postgresql` : typed(url);
    const parts: [string, Answer][] = [['connection', await askConnection(ask, mend, signal)]];
    if (parts[0]?.[1].status !== 'pass') return combined(parts);
    if (tables.length > 0) parts.push(['tables', await askTables(ask, { tables, mend }, signal)]);
    if (query !== null) parts.push(['query', await askQuery(ask, query, mend, signal)]);
    return combined(parts);
  },
};

function typed(url: string): string {
  return shellLine(['psql', url, '-c', String.raw`\dt`]);
}

function askConnection(ask: AskStore, mend: string, signal: AbortSignal): Promise<Answer> {
  return askStored(ask, { sql: 'SELECT 1', expected: 'a connection', mend }, isConnected, signal);
}

function isConnected(): Judgement {
  return { problem: null, observed: 'connected' };
}

function askTables(
  ask: AskStore,
  { tables, mend }: { tables: readonly string[]; mend: string },
  signal: AbortSignal,
): Promise<Answer> {
  const names = tables.map((name) => `(${sqlText(name)})`).join(', ');
  const sql = `SELECT name FROM (VALUES ${names}) AS wanted (name) WHERE to_regclass(name) IS NULL`;
  const judge = (missing: string[]) => ({
    problem: missing.length === 0 ? null : `no table ${missing.join(', ')}`,
    observed: `${tables.length} tables are there`,
  });
  return askStored(ask, { sql, expected: `tables ${tables.join(', ')}`, mend }, judge, signal);
}
