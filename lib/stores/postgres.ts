import { type FileHandle, open, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { environmentOf } from '../base/environment.ts';
import { fileError } from '../base/errors.ts';
import type { Command, ExecOptions } from '../base/exec.ts';
import { hostsIn, type PostgresPlace, readAddress } from './postgres-address.ts';
import { type Patience, runProgram } from './program.ts';

/** What has its programs. */
export const debianPackage = 'postgresql-client';

/**
 * Asks a PostgreSQL database, in a session that may not write.
 * @param place `url` or `urlFile`
 * @param sql one or more statements
 * @returns the rows, a line each, columns parted by `|`
 * @throws `refused` when it cannot be reached or the query fails; `config`, `permission` for the address; the signal's reason
 */
export async function queryPostgres(place: PostgresPlace, sql: string, patience: Patience): Promise<string> {
  const settings = `SET statement_timeout = ${Math.ceil(patience.timeoutMs)}; SET default_transaction_read_only = on`;
  const words = ['-X', '-A', '-t', '-q', '-w', '-v', 'ON_ERROR_STOP=1', '-c', settings, '-c', `\n${sql}`];
  return runPostgres(place, (address) => ['psql', ...words, '-d', address], patience);
}

/**
 * Runs a program of PostgreSQL against a database. The password is in no command line, no environment and no file that
 * has a name: the program reads it from an unlinked file that it inherits.
 * @param command makes the command from the address without its password
 * @throws as `queryPostgres`; `disk`
 */
export async function runPostgres(
  place: PostgresPlace,
  command: (address: string) => Command,
  { timeoutMs, signal, input }: Patience & Pick<ExecOptions, 'input'>,
): Promise<string> {
  const { address, password } = await readAddress(place);
  const passfile = password === null ? null : await openPassfile(password);
  try {
    const descriptors = passfile ? [passfile.fd] : [];
    // A password of the caller's surroundings would win over the file.
    const own: Record<string, string> = passfile ? { PGPASSFILE: '/proc/self/fd/3', PGPASSWORD: '' } : {};
    const env = { ...ofWrapper(address), ...ofLibpq(), PGCONNECT_TIMEOUT: connectSeconds(timeoutMs), ...own };
    const options = { from: debianPackage, timeoutMs, signal, input, descriptors, env };
    return await runProgram(place.urlFile ?? shown(address), command(address), options);
  } finally {
    await passfile?.close();
  }
}

/** Runs a program of PostgreSQL that only reads a file. @returns what it printed @throws as `runPostgres` */
export async function runBeside(
  place: PostgresPlace,
  about: string,
  { command, timeoutMs, signal }: Patience & { command: Command },
): Promise<string> {
  return runProgram(about, command, { from: debianPackage, timeoutMs, signal, env: await besideServer(place) });
}

/**
 * What a program of PostgreSQL needs that only reads a file, to be of the same version as those that ask the server.
 * @throws `config`, `permission` for the address
 */
export async function besideServer(place: PostgresPlace): Promise<Record<string, string>> {
  const { address } = await readAddress(place);
  return { ...ofWrapper(address), ...ofLibpq() };
}

/**
 * Debian's pg_wrapper reads no address: without this it would take the version of a cluster of this machine, and its port,
 * for a server elsewhere. libpq itself goes by the address.
 */
function ofWrapper(address: string): Record<string, string> {
  const hosts = hostsIn(address);
  return hosts === null ? {} : { PGHOST: hosts };
}

/** What the surroundings say of the connection is for these programs, in whosever name they run. */
function ofLibpq(): Record<string, string> {
  const names = Object.keys(process.env).filter((name) => /^PG[A-Z]+$/.test(name));
  return environmentOf(process.env, names);
}

/** An address as people know it; one that stands in a file of its own is not to be seen at all. */
function shown(address: string): string {
  return address.replace(/\?.*$/s, '');
}

/** libpq takes less than two seconds for two, and none for for ever. */
function connectSeconds(timeoutMs: number): string {
  return String(Math.max(2, Math.min(10, Math.ceil(timeoutMs / 1000))));
}

/** A password file (libpq 34.16) for any host, that is gone when the last process that has it open is. */
async function openPassfile(password: string): Promise<FileHandle> {
  const path = join(tmpdir(), `.cutover-${process.pid}-${Math.random().toString(16).slice(2)}`);
  const file = await open(path, 'wx+', 0o600).catch((error: unknown) => {
    throw fileError(error, 'cannot write', path);
  });
  try {
    await unlink(path);
    await file.writeFile(`*:*:*:*:${password.replaceAll(/[:\\]/g, '\\$&')}\n`);
    return file;
  } catch (error) {
    await file.close();
    throw fileError(error, 'cannot write', path);
  }
}
