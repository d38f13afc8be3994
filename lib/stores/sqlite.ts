import { stat } from 'node:fs/promises';
import { CutoverError, errnoOf, fileError, isCutoverError } from '../base/errors.ts';
import { type Patience, runProgram } from './program.ts';

const debianPackage = 'sqlite3';

/** Others may hold the file for a moment: an application that writes, for one. */
const busyTimeoutMs = 5_000;

export interface SqliteOptions extends Patience {
  /** nobody writes the file, so no lock and no file beside it is made; true for copies of ours only */
  isStill?: boolean;
  /**
   * the path has no link in it, and one that comes in its way meanwhile is not followed; what a death has left of a transaction
   * is taken back
   */
  isFirm?: boolean;
}

/**
 * Asks a SQLite file, which is not written to. In WAL mode SQLite may leave its own two empty files beside it.
 * @param path absolute
 * @param sql one or more statements
 * @returns the rows, a line each, columns parted by `|`
 * @throws `refused` when it is missing, is no database, is locked, or the query fails; the signal's reason
 */
export async function querySqlite(path: string, sql: string, options: SqliteOptions): Promise<string> {
  await requireFile(path);
  if (options.isFirm) return queryFirm(path, sql, options);
  const name = options.isStill ? `file:${encodeURI(path).replaceAll(/[?#]/g, encodeURIComponent)}?immutable=1` : path;
  return runShell(path, ['-readonly', name, statement(sql)], options);
}

/** Before it is read, whoever opens a file takes back what a death has left of a transaction: that is written to the file. */
async function queryFirm(path: string, sql: string, patience: Patience): Promise<string> {
  const ask = (...how: string[]): Promise<string> =>
    runShell(path, ['-nofollow', ...how, path, statement(sql)], patience);
  return ask('-readonly').catch((error: unknown) => {
    if (!isCutoverError(error, 'refused') || !error.message.includes('readonly database')) throw error;
    return ask('-cmd', 'PRAGMA query_only = on');
  });
}

/**
 * Has the sqlite3 shell carry its own commands out on a database, such as `.backup`.
 * @param path absolute, without a link in it: none is followed
 * @param words statements and dot commands in their order
 * @throws as `querySqlite`
 */
export async function runSqlite(path: string, words: readonly string[], patience: Patience): Promise<string> {
  return runShell(path, ['-nofollow', path, ...words], patience);
}

async function runShell(path: string, words: readonly string[], { timeoutMs, signal }: Patience): Promise<string> {
  const wait = `.timeout ${Math.min(busyTimeoutMs, timeoutMs)}`;
  // Without -init the shell would do first what ~/.sqliterc says.
  const command = ['sqlite3', '-batch', '-bail', '-init', '/dev/null', '-cmd', wait, ...words] as const;
  return runProgram(path, command, { from: debianPackage, timeoutMs, signal });
}

/** A path as the shell's dot commands read it. */
export function quoted(path: string): string {
  return `"${path.replaceAll(/["\\]/g, '\\$&')}"`;
}

/** What stands on a line of its own is a statement, even when it begins with a dot: never a command of the shell. */
function statement(sql: string): string {
  return `\n${sql}`;
}

async function requireFile(path: string): Promise<void> {
  const found = await stat(path).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return null;
    throw fileError(error, 'cannot open', path);
  });
  if (found?.isFile()) return;
  throw new CutoverError('refused', found ? `${path} is not a file` : `${path} does not exist`, {
    mend: `ls -l ${path}`,
  });
}
