import * as assert from 'uvu/assert';
import { exec } from '../../lib/base/exec.ts';
import type { BackupOwner } from '../../lib/database/names.ts';
import { type Cluster, clusterFor, password } from '../stores/cluster.ts';
import type { TestContext } from '../suite.ts';
import { makePostgres } from './samples.ts';

let made = 0;

/** A database of its own for a test. */
export async function makeDatabase(
  t: TestContext,
  sql: string,
  more = {},
): Promise<{ cluster: Cluster; name: string; owner: BackupOwner }> {
  const cluster = await clusterFor();
  made += 1;
  const name = `app${made}`;
  await cluster.sql('postgres', `CREATE DATABASE ${name}`);
  await cluster.sql(name, sql);
  return { cluster, name, owner: await makePostgres(t, cluster.url(name), more) };
}

/** All that pg_dump tells of a database. */
export async function contentOf(cluster: Cluster, name: string): Promise<string> {
  const { port, directory } = cluster;
  const command = ['pg_dump', '-h', directory, '-p', String(port), '-U', 'boss', name] as const;
  const { code, stdout, stderr } = await exec(command, { timeoutMs: 60_000, env: { PGPASSWORD: password } });
  assert.is(code, 0, stderr);
  return stdout.replaceAll(/^\\(un)?restrict .*$/gm, '');
}

/** The same as a role of its own has it, which owns it and is nobody else. */
export async function makePlainDatabase(
  t: TestContext,
  sql: string,
): Promise<{ cluster: Cluster; name: string; owner: BackupOwner; asPlain: (sql: string) => Promise<string> }> {
  const { cluster, name, owner } = await makeDatabase(t, 'SELECT 1');
  const role = `plain_${name}`;
  await cluster.sql(name, `CREATE ROLE ${role} LOGIN PASSWORD 'plain'; ALTER DATABASE ${name} OWNER TO ${role}`);
  const url = `postgres://${role}:plain@127.0.0.1:${cluster.port}/${name}`;
  const asPlain = (text: string): Promise<string> => cluster.sql(name, `SET ROLE ${role}; ${text}`);
  await asPlain(sql);
  return { cluster, name, owner: { ...owner, database: { ...owner.database, url } }, asPlain };
}
