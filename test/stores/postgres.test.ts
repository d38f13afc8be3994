import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { isCutoverError } from '../../lib/base/errors.ts';
import { exec } from '../../lib/base/exec.ts';
import { openController, poll } from '../../lib/base/wait.ts';
import { queryPostgres } from '../../lib/stores/postgres.ts';
import { makeDirectory, rejection } from '../builds/directory.ts';
import { suite } from '../suite.ts';
import { clusterFor, password } from './cluster.ts';

const test = suite('stores/postgres');
const patience = { timeoutMs: 20_000 };

async function problem(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (isCutoverError(error, 'refused', 'config')) return `${error.code}: ${error.message} -> ${error.mend}`;
    throw error;
  }
  throw new Error('nothing was refused');
}

/** What is said of an address where no server answers. */
const unreached = (url: string) => problem(queryPostgres({ url, urlFile: null }, 'SELECT 1', patience));

test('B4: asks over TCP, over a socket, and by an address in a file', async (t) => {
  const cluster = await clusterFor();
  const urlFile = join(await makeDirectory(t), 'database.url');
  await writeFile(urlFile, `${cluster.url('postgres')}\n`);
  const sql = "VALUES (1, 'x'), (2, 'y')";
  const over = (url: string) => queryPostgres({ url, urlFile: null }, sql, patience);
  assert.is(await over(cluster.url('postgres')), '1|x\n2|y');
  assert.is(await over(cluster.url('postgres', { overSocket: true })), '1|x\n2|y');
  const asOptions = `host=${cluster.directory}&port=${cluster.port}&user=boss&password=${encodeURIComponent(password)}`;
  assert.is(await over(`postgresql:///postgres?${asOptions}`), '1|x\n2|y');
  assert.is(await queryPostgres({ url: null, urlFile }, sql, patience), '1|x\n2|y');
});

test('B4: writes nothing, and takes no command of the shell', async () => {
  const place = { url: (await clusterFor()).url('postgres'), urlFile: null };
  assert.match(await problem(queryPostgres(place, 'CREATE TABLE t(a int)', patience)), 'read-only transaction');
  assert.match(await problem(queryPostgres(place, '\\! touch /tmp/cutover-never', patience)), 'syntax error');
});

test('W4: a password is in no command line, no environment, no message and no file', async (t) => {
  const cluster = await clusterFor();
  const [controller, enough] = [openController(), new Error('enough')];
  const asked = { timeoutMs: 600_000, signal: controller.signal };
  const asking = queryPostgres({ url: cluster.url('postgres'), urlFile: null }, 'SELECT pg_sleep(600)', asked);
  t.cleanup(() => {
    controller.abort(enough);
    return asking.catch(() => {});
  });
  // What another test does meanwhile is not looked at.
  const script = 'for p in $(grep -lF "$1" /proc/[0-9]*/cmdline); do cat $p ${p%cmdline}environ; done | tr "\\0" "\\n"';
  const look = async (): Promise<string> => {
    const command = ['sh', '-c', script, 'sh', `127.0.0.1:${cluster.port}`] as const;
    return (await exec(command, { timeoutMs: 20_000 })).stdout;
  };
  const stdout = await poll({ everyMs: 5, signal: t.signal }, async () => {
    const seen = await look();
    return /psql[^]*pg_sleep\(600\)[^]*PGPASSFILE/.test(seen) ? seen : undefined;
  });
  for (const secret of [password, encodeURIComponent(password)]) assert.not.match(stdout, secret);
  assert.equal(
    (await readdir(tmpdir())).filter((name) => name.startsWith(`.cutover-${process.pid}-`)),
    [],
  );
  controller.abort(enough);
  assert.is(await rejection(asking), enough);
  const wrong = cluster.url('postgres', { password: 'verkehrt' });
  const said = await problem(queryPostgres({ url: wrong, urlFile: null }, 'SELECT 1', patience));
  assert.match(said, 'password authentication failed for user "boss"');
  assert.not.match(said, 'verkehrt');
});

test("W4: the address's password counts, whatever the surroundings say", async (t) => {
  const cluster = await clusterFor();
  process.env.PGPASSWORD = 'verkehrt';
  t.cleanup(() => void delete process.env.PGPASSWORD);
  assert.is(await queryPostgres({ url: cluster.url('postgres'), urlFile: null }, 'SELECT 1', patience), '1');
});

test('P3: an address that names a host does not go to the port of a cluster that this machine has besides', async (t) => {
  const { port, directory } = await clusterFor();
  const clusters = await makeDirectory(t);
  await mkdir(join(clusters, '15/main'), { recursive: true });
  const lines = [`port = ${port}`, `data_directory = '${directory}/data'`, `unix_socket_directories = '${directory}'`];
  await writeFile(join(clusters, '15/main/postgresql.conf'), lines.join('\n'));
  process.env.PG_CLUSTER_CONF_ROOT = clusters;
  t.cleanup(() => void delete process.env.PG_CLUSTER_CONF_ROOT);
  // No server is there: it is told at which port it was looked for.
  assert.match(await unreached('postgres://app@/x?host=/nowhere'), '/nowhere/.s.PGSQL.5432');
  assert.match(await unreached('postgres://app@%2Fnowhere/x'), '/nowhere/.s.PGSQL.5432');
  assert.match(await unreached('postgres:///x'), `.s.PGSQL.${port}`);
});

test('W4: a malformed address is told of without a part of it', async (t) => {
  const urlFile = join(await makeDirectory(t), 'database.url');
  for (const text of ['postgres://a:sec@ret@host/db', 'mysql://a:secret@host/db', 'postgres://a:sec%ret@h/d', '']) {
    await writeFile(urlFile, text);
    const said = await problem(queryPostgres({ url: null, urlFile }, 'SELECT 1', patience));
    assert.match(said, `config: ${urlFile}: not the address of a PostgreSQL database`);
    assert.not.match(said, /sec|ret@/);
  }
  await writeFile(urlFile, 'postgres://a@h/d?sslkey=/k&sslpassword=secret');
  const said = await problem(queryPostgres({ url: null, urlFile }, 'SELECT 1', patience));
  assert.match(said, 'use a key without a password');
  assert.not.match(said, 'secret');
});

test('B4: a server that is down, and a query that does not end, are told of', async () => {
  const cluster = await clusterFor();
  const place = { url: cluster.url('postgres'), urlFile: null };
  const nobody = { url: 'postgres://boss:x@127.0.0.1:1/postgres', urlFile: null };
  assert.match(await problem(queryPostgres(nobody, 'SELECT 1', patience)), 'Connection refused');
  const began = performance.now();
  assert.match(await problem(queryPostgres(place, 'SELECT pg_sleep(30)', { timeoutMs: 1_000 })), /timeout|no answer/);
  assert.ok(performance.now() - began < 10_000);
  assert.match(await problem(queryPostgres(place, 'SELECT * FROM nothing', patience)), '"nothing" does not exist');
});
