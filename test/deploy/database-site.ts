import { readdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { TestContext } from '../suite.ts';
import { makeSite, type Site, type SiteOptions } from './site.ts';
import { makeSocketSite } from './socket-site.ts';

/** A site with a SQLite file, which its builds may migrate. */
export interface DatabaseSite extends Site {
  database: string;
  backups: string;
  /** Asks the database inside the sandbox. */
  sql: (text: string) => Promise<string>;
  /** The names in the directory of the backups. */
  listBackups: () => Promise<string[]>;
}

export interface DatabaseOptions extends SiteOptions {
  /** more keys of the target's database, as TOML writes them in one line */
  database?: string[];
  /** the shell line that migrates; `DB` stands for the database */
  migrate?: string;
  /** default: restart */
  strategy?: 'socket' | 'overlap';
}

/** Two users; a migration that a person would want back. */
export const users = "CREATE TABLE users(name TEXT); INSERT INTO users VALUES ('ann'), ('bob')";
export const migration = `sqlite3 DB "CREATE TABLE orders(a); UPDATE users SET name = 'changed'"`;

/** Its first build is deployed before the database is configured. */
export async function makeDatabaseSite(t: TestContext, options: DatabaseOptions = {}): Promise<DatabaseSite> {
  const { strategy } = options;
  const [good = {}, ...others] = options.builds ?? [{}];
  const known = { ...options, builds: [good] };
  const site = strategy ? await makeSocketSite(t, known, strategy) : await makeSite(t, known);
  for (const behaviour of others) await site.add(behaviour);
  const [database, backups] = [`${dirname(site.builds)}/app.db`, `/var/backups/${site.app}`];
  const { sandbox } = site;
  const sql = (text: string): Promise<string> => sandbox.run('sqlite3', database, text);
  await sql(users);
  const keys = [...(strategy ? [`strategy = "${strategy}"`] : []), ...(options.keys ?? [])];
  await site.configure({ ...options, keys: [...keys, ...databaseKeys({ database, backups }, options)] });
  const listBackups = async (): Promise<string[]> => {
    const names = await readdir(sandbox.hostPath(backups)).catch((): string[] => []);
    return names.toSorted();
  };
  return { ...site, database, backups, sql, listBackups };
}

function databaseKeys(
  { database, backups }: { database: string; backups: string },
  { database: more = [], migrate }: Pick<DatabaseOptions, 'database' | 'migrate'>,
): string[] {
  const own = [`kind = "sqlite"`, `path = "${database}"`, `backups = "${backups}"`];
  const taken = new Set(more.map((line) => line.split(' ')[0]));
  const lines = [...own.filter((line) => !taken.has(line.split(' ')[0])), ...more];
  const hooks =
    migrate === undefined ? [] : [`hooks = { migrate = ${JSON.stringify(migrate.replaceAll('DB', database))} }`];
  return [`database = { ${lines.join(', ')} }`, ...hooks];
}
