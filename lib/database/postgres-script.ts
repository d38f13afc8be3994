import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileError, messageOf } from '../base/errors.ts';
import { startFed } from '../base/exec.ts';
import { wholeOutput } from '../base/whole-output.ts';
import { besideServer, queryPostgres, runBeside } from '../stores/postgres.ts';
import type { DatabaseTask } from './kind.ts';
import { emptyDatabase, stayingEntries } from './postgres-empty.ts';
import { withKnownSettings } from './postgres-head.ts';

/** How far the script of a restore came. */
export interface Told {
  isAll: boolean;
  problem?: string;
}

/** The number of an entry, and two of the server that it came from. */
const entryNumbers = /^\d+; \d+ \d+ /;

/**
 * Writes down which entries of an archive are restored: all but those of what stays in the database when it is emptied.
 * @returns the list, for `restoreScript`
 * @throws `refused`, `config`, `permission`, `disk`; the signal's reason
 */
export async function listWanted(archive: string, task: DatabaseTask): Promise<string> {
  const { database, work, timeoutMs, signal } = task;
  const staying = (await queryPostgres(database, stayingEntries, task)).split('\n').filter(Boolean);
  const command = ['pg_restore', '--list', archive] as const;
  const contents = await runBeside(database, archive, { command, timeoutMs, signal });
  const wanted = contents.split('\n').filter((line) => !isOneOf(line.replace(entryNumbers, ''), staying));
  const list = join(work, 'wanted');
  await writeFile(list, `${wanted.join('\n')}\n`, { mode: 0o600 }).catch((error: unknown) => {
    throw fileError(error, 'cannot write', list);
  });
  return list;
}

/** An entry ends in its owner, which may be empty. */
function isOneOf(entry: string, staying: readonly string[]): boolean {
  return staying.some((words) => entry === words || entry.startsWith(`${words} `));
}

/**
 * A server that builds an index, say, would not see before its end that nobody is there any more, and hold all locks until then.
 * Since version 14 it looks, where its system lets it.
 */
const endsWithClient = `
DO $cutover$
BEGIN
  PERFORM set_config('client_connection_check_interval', '2s', false);
EXCEPTION WHEN OTHERS THEN NULL;
END $cutover$;
`;

/**
 * The whole restore as one transaction, the query that verifies it included. Its end is written only when pg_restore has
 * written all: whatever dies before that, the server takes everything back.
 * @param list as `listWanted` gives it
 */
export async function* restoreScript(
  { archive, list }: { archive: string; list: string },
  { database, signal }: DatabaseTask,
  told: Told,
): AsyncGenerator {
  // Its own --clean would redefine views of tables that are gone by then.
  const env = await besideServer(database);
  const reader = await startFed(['pg_restore', `--use-list=${list}`, '--file=-', archive], { signal, env });
  const script = wholeOutput(reader, (said) => new Error(said));
  try {
    yield `BEGIN;\n${endsWithClient}${emptyDatabase}`;
    yield* withKnownSettings(script);
    yield `\nRESET ALL;\n${endsWithClient}${database.verify ?? 'SELECT 1'}\n;\nCOMMIT;\n`;
    told.isAll = true;
  } catch (error) {
    told.problem = messageOf(error);
  } finally {
    reader.kill();
  }
}
