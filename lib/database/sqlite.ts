import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CutoverError, isCutoverError } from '../base/errors.ts';
import { firmPath } from '../base/firm-path.ts';
import { shellLine } from '../base/shell-words.ts';
import { openController } from '../base/wait.ts';
import type { Patience } from '../stores/program.ts';
import { querySqlite, quoted, runSqlite } from '../stores/sqlite.ts';
import type { DatabaseKind, DatabaseTask } from './kind.ts';
import { putSqlite, reachSqlite } from './sqlite-put.ts';
import { compress, firstBytes, unpack } from './unpack.ts';

const header = Buffer.from('SQLite format 3\0');

/** A copy that begins anew each time somebody writes may never end: after this the writers wait. */
const politeMs = 60_000;

/** A SQLite file: copied through SQLite's own online backup, and restored in place. */
export const sqlite: DatabaseKind = {
  label: 'SQLite',
  async dump(task) {
    const { database, work, signal = openController().signal } = task;
    const path = await firmPath(database.path ?? '');
    const [copy, packed] = [join(work, 'copy.db'), join(work, 'copy.db.gz')];
    // SQLite would make it readable for all.
    await writeFile(copy, '', { flag: 'wx', mode: 0o600 });
    await copyDatabase(path, copy, task);
    await requireGood(copy, { ...task, name: path, mend: integrityOf(path) });
    await compress(copy, packed, signal);
    return packed;
  },
  // Not one that is locked, or of a newer SQLite.
  isDamage: (error) =>
    isCutoverError(error, 'refused') && /not a database|malformed|fails integrity_check/.test(error.message),
  async open(file, task) {
    const copy = join(task.work, 'opened.db');
    await unpack(file, copy, task);
    if (!(await firstBytes(copy, header.length)).equals(header)) {
      throw new CutoverError('refused', `${file} is not a backup of a SQLite database`, { mend: otherBackups(file) });
    }
    await requireGood(copy, { ...task, name: file, mend: otherBackups(file) });
    return copy;
  },
  reach: reachSqlite,
  put: putSqlite,
};

/**
 * One transaction around the copy makes it of one moment. In WAL mode nobody waits for that. In the other modes writers
 * would wait: there the copy is tried without it first, and begins anew when somebody writes in between. (68 MB, written to
 * a hundred times a second: 0.2 s with it, 5 to 8 s without.)
 */
async function copyDatabase(path: string, copy: string, task: DatabaseTask): Promise<void> {
  const backup = `.backup ${quoted(copy)}`;
  const mode = await querySqlite(path, 'PRAGMA journal_mode', { ...task, isFirm: true });
  if (mode !== 'wal' && (await isDoneWithin(politeMs, task, (hurried) => runSqlite(path, [backup], hurried)))) return;
  await runSqlite(path, ['BEGIN', 'SELECT count(*) FROM sqlite_master', backup], task);
}

/** @returns false when the work was ended since it took too long */
async function isDoneWithin(
  mostMs: number,
  { timeoutMs, signal }: Patience,
  work: (patience: Patience) => Promise<unknown>,
): Promise<boolean> {
  const hurry = AbortSignal.timeout(mostMs);
  const both = signal ? AbortSignal.any([signal, hurry]) : hurry;
  return work({ timeoutMs, signal: both }).then(
    () => true,
    (error: unknown) => {
      if (hurry.aborted && !signal?.aborted) return false;
      throw error;
    },
  );
}

/** What a copy must pass before it counts. @param task `name`: what it is a copy of, for messages */
async function requireGood(
  copy: string,
  { database: { verify }, timeoutMs, signal, name, mend }: DatabaseTask & { name: string; mend: string },
): Promise<void> {
  const patience = { timeoutMs, signal, isStill: true };
  const ask = (query: string, what: string): Promise<string> =>
    querySqlite(copy, query, patience).catch((error: unknown) => {
      if (!isCutoverError(error, 'refused')) throw error;
      throw new CutoverError('refused', `${name} fails ${what}: ${error.message.replace(`${copy}: `, '')}`, {
        mend,
        cause: error,
      });
    });
  const found = await ask('PRAGMA integrity_check(5)', 'integrity_check');
  if (found !== 'ok')
    throw new CutoverError('refused', `${name} fails integrity_check: ${found.split('\n').join('; ')}`, { mend });
  if (verify !== null) await ask(verify, `database.verify (${verify})`);
}

function integrityOf(path: string): string {
  return shellLine(['sqlite3', path, 'PRAGMA integrity_check; .tables']);
}

/** Another one may be whole. */
function otherBackups(file: string): string {
  return shellLine(['ls', '-lt', dirname(file)]);
}
