import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { CutoverError, isCutoverError, messageOf } from '../base/errors.ts';
import { debianPackage, queryPostgres, runBeside, runPostgres } from '../stores/postgres.ts';
import { saidIn } from '../stores/program.ts';
import type { DatabaseKind, DatabaseTask } from './kind.ts';
import { listWanted, restoreScript, type Told } from './postgres-script.ts';
import { firstBytes, packingOf, unpack } from './unpack.ts';

const header = Buffer.from('PGDMP');

/** Nobody should hold a table for so long that it cannot even be read. */
const lockWait = '60s';

/** What a server says of a page, a value, a file or an entry of its catalogs that is broken or gone. */
const unreadable = new RegExp(
  `ERROR: +(?:${[
    'invalid page in block',
    'could not read block',
    '(?:missing|unexpected) chunk number',
    'compressed .* data is corrupt',
    'cache lookup failed',
    'could not access status of transaction',
    'could not open file "(?:base|pg_tblspc)/[^"]*": No such file',
  ].join('|')})`,
);

/** A PostgreSQL database: an archive of pg_dump, restored in one transaction. */
export const postgres: DatabaseKind = {
  label: 'PostgreSQL',
  async dump(task) {
    const path = join(task.work, 'archive');
    await writeFile(path, '', { flag: 'wx', mode: 0o600 });
    const words = ['--format=custom', '--no-password', `--lock-wait-timeout=${lockWait}`, `--file=${path}`];
    const dump = (address: string) => ['pg_dump', ...words, '-d', address] as const;
    await runPostgres(task.database, dump, task).catch((error: unknown) => {
      throw olderProgram(error);
    });
    await requireWhole(path, path, task);
    return path;
  },
  isDamage: (error) => isCutoverError(error, 'refused') && unreadable.test(saidIn(error)),
  async open(file, task) {
    // What cutover writes is compressed inside; somebody may have packed it once more.
    const isPacked = (await packingOf(file)) !== null;
    const path = isPacked ? join(task.work, 'opened') : file;
    if (isPacked) await unpack(file, path, task);
    if (!(await firstBytes(path, header.length)).equals(header)) {
      const mend = 'a backup of cutover, or of pg_dump --format=custom';
      throw new CutoverError('refused', `${file} is not a backup of a PostgreSQL database`, { mend });
    }
    await requireWhole(path, file, task);
    return path;
  },
  async reach(task) {
    await queryPostgres(task.database, 'SELECT 1', task);
  },
  async put(opened, task) {
    const list = await listWanted(opened, task);
    const told: Told = { isAll: false };
    const input = Readable.from(restoreScript({ archive: opened, list }, task, told));
    const words = ['-X', '-q', '-w', '-v', 'ON_ERROR_STOP=1', '-o', '/dev/null', '-f', '-'];
    const psql = (address: string) => ['psql', ...words, '-d', address] as const;
    await runPostgres(task.database, psql, { ...task, input }).catch((error: unknown) => {
      throw inUse(error);
    });
    // A script that was cut off is no error for psql; without its last line the server has taken everything back.
    if (!told.isAll) throw new CutoverError('refused', `${opened} could not be read to its end: ${told.problem ?? ''}`);
    return { setAside: null };
  },
};

/** Only reading all of it tells: the list of contents stands at the beginning. */
async function requireWhole(path: string, name: string, { database, timeoutMs, signal }: DatabaseTask): Promise<void> {
  const command = ['pg_restore', '--file=/dev/null', path] as const;
  await runBeside(database, name, { command, timeoutMs, signal });
}

/** pg_dump reads no server that is newer than itself. */
function olderProgram(error: unknown): unknown {
  const [, server] = /server version: (\d+)/.exec(saidIn(error)) ?? [];
  if (server === undefined) return error;
  const mend = `apt-get install ${debianPackage}-${server}`;
  return new CutoverError('refused', messageOf(error), { mend, cause: error });
}

function inUse(error: unknown): unknown {
  if (!saidIn(error).includes('lock timeout')) return error;
  const mend = 'SELECT pid, application_name, state FROM pg_stat_activity';
  return new CutoverError('refused', `${messageOf(error)}; others use the database`, { mend, cause: error });
}
