import { chown, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { exec, type ExecResult, start, type StartedProcess } from '../../lib/base/exec.ts';
import { accountOf } from '../../lib/systemd/account.ts';
import { freePort } from '../services/free-port.ts';
import { atEnd } from '../suite.ts';

/** A PostgreSQL server of a test file, with one superuser who needs a password. */
export interface Cluster {
  readonly port: number;
  /** its folder, which holds its socket too */
  readonly directory: string;
  /** The address of a database, over TCP or over the socket. */
  url(database: string, options?: { password?: string; overSocket?: boolean }): string;
  /** Runs psql as the superuser and gives the rows. */
  sql(database: string, text: string): Promise<string>;
  stop(): Promise<void>;
  start(): Promise<void>;
}

/** The password shows wherever it should not. */
export const password = 'geheim:\\@ %41';

const timeoutMs = 60_000;
const becomePostgres = ['--reuid', 'postgres', '--regid', 'postgres', '--init-groups', '--'];

let shared: Promise<Cluster> | undefined;

/** The one server that the tests of this file share; it ends with the file. */
export function clusterFor(): Promise<Cluster> {
  shared ??= startCluster();
  return shared;
}

async function startCluster(): Promise<Cluster> {
  const [version = ''] = (await readdir('/usr/lib/postgresql')).toSorted().toReversed();
  const bin = join('/usr/lib/postgresql', version, 'bin');
  const directory = await mkdtemp('/tmp/cutover-postgres-');
  const account = await accountOf('postgres');
  await writeFile(join(directory, 'password'), password);
  await chown(directory, account?.uid ?? 0, account?.gids[0] ?? 0);
  const data = join(directory, 'data');
  const secret = ['-A', 'scram-sha-256', `--pwfile=${join(directory, 'password')}`];
  await asPostgres(join(bin, 'initdb'), '-D', data, '-U', 'boss', ...secret, '-E', 'UTF8', '--no-locale', '--no-sync');
  // Only now: for some seconds nobody would listen on it, and another be given it too.
  const port = await freePort();
  const settings = ['-k', directory, '-p', String(port), '-c', 'listen_addresses=127.0.0.1', '-c', 'fsync=off'];
  let server: StartedProcess | undefined;
  const startServer = async (): Promise<void> => {
    // It ends with the tests, however they end.
    const words = ['--pdeathsig', 'QUIT', ...becomePostgres, join(bin, 'postgres'), '-D', data, ...settings];
    server = await start(['setpriv', ...words], { cwd: '/' });
    server.stdout.resume();
    server.stderr.resume();
    await until(
      async () => (await exec(['pg_isready', '-q', '-h', directory, '-p', String(port)], { timeoutMs })).code === 0,
    );
  };
  const stop = async (): Promise<void> => {
    server?.kill('SIGQUIT');
    await server?.ended;
  };
  await startServer();
  atEnd(async () => {
    await stop().catch(() => {});
    await rm(directory, { recursive: true, force: true });
  });
  return { ...askingOf(directory, port), start: startServer, stop };
}

function askingOf(directory: string, port: number): Omit<Cluster, 'start' | 'stop'> {
  return {
    directory,
    port,
    url(database, { password: given = password, overSocket = false } = {}) {
      const host = overSocket ? encodeURIComponent(directory) : '127.0.0.1';
      return `postgres://boss:${encodeURIComponent(given)}@${host}:${port}/${database}`;
    },
    async sql(database, text) {
      const where = ['-h', directory, '-p', String(port), '-U', 'boss', '-d', database];
      const words = ['psql', '-X', '-A', '-t', '-q', '-v', 'ON_ERROR_STOP=1', ...where, '-c', text] as const;
      return require(await exec(words, { timeoutMs: 60_000, env: { PGPASSWORD: password } }), text).stdout;
    },
  };
}

async function until(ask: () => Promise<boolean>): Promise<void> {
  for (const deadline = performance.now() + timeoutMs; !(await ask()); await sleep(50)) {
    if (performance.now() > deadline) throw new Error('the server does not come up');
  }
}

/** The server refuses to be root. */
async function asPostgres(...command: string[]): Promise<void> {
  require(await exec(['setpriv', ...becomePostgres, ...command], { timeoutMs, cwd: '/' }), command[0] ?? '');
}

function require(result: ExecResult, what: string): ExecResult {
  if (result.code === 0) return result;
  throw new Error(`${what} ended with ${result.code}: ${result.stderr}${result.stdout}`);
}
