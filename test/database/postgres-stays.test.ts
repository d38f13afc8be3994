import * as assert from 'uvu/assert';
import { takeBackup } from '../../lib/database/backup.ts';
import type { BackupOwner } from '../../lib/database/names.ts';
import { restoreBackup } from '../../lib/database/restore.ts';
import { suite, type TestContext } from '../suite.ts';
import { contentOf, makeDatabase, makePlainDatabase } from './postgres-samples.ts';

const test = suite('database/postgres and what stays', { timeoutMs: 120_000 });
const id = '20260203-151120-4f2a';
const users = "CREATE TABLE users(id int PRIMARY KEY, name text); INSERT INTO users VALUES (1, 'ann'), (2, 'bob')";

/** What was backed up, and is not there any more, is there again. */
async function comesBack(t: TestContext, owner: BackupOwner, between: () => Promise<unknown>): Promise<void> {
  const { file } = await takeBackup({ ...owner, id, signal: t.signal });
  await between();
  await restoreBackup({ ...owner, file, signal: t.signal });
}

test('P3, B2: extensions and schemas of the administrator stay, and the application restores what is its own', async (t) => {
  const { cluster, name, owner, asPlain } = await makePlainDatabase(t, users);
  await cluster.sql(
    name,
    `CREATE EXTENSION pgcrypto; CREATE SCHEMA apart; CREATE EXTENSION citext SCHEMA apart; COMMENT ON SCHEMA apart IS 'a';
     CREATE SCHEMA granted; GRANT ALL ON SCHEMA apart, granted TO PUBLIC;
     CREATE TABLE apart.settings(a int); INSERT INTO apart.settings VALUES (1); ALTER EXTENSION citext ADD TABLE apart.settings;
     UPDATE pg_extension SET extconfig = ARRAY['apart.settings'::regclass::oid], extcondition = '{""}' WHERE extname = 'citext';
     GRANT SELECT ON apart.settings TO PUBLIC`,
  );
  await asPlain(
    'CREATE TABLE granted.things(a apart.citext, b uuid DEFAULT gen_random_uuid()); INSERT INTO granted.things(a) VALUES (1)',
  );
  await asPlain('CREATE EXTENSION hstore; CREATE TABLE pairs(a hstore)');
  const before = await contentOf(cluster, name);
  await comesBack(t, owner, () =>
    asPlain('DROP TABLE users, granted.things; DROP EXTENSION hstore CASCADE; CREATE EXTENSION ltree'),
  );
  assert.is(await contentOf(cluster, name), before);
  const extensions = "SELECT string_agg(extname, ',' ORDER BY extname) FROM pg_extension; SELECT * FROM apart.settings";
  assert.is(await cluster.sql(name, extensions), 'citext,hstore,pgcrypto,plpgsql\n1');
});

test('P3, B2: what only the administrator may make stays, whether it was there before the backup or not', async (t) => {
  const { cluster, name, owner, asPlain } = await makePlainDatabase(t, users);
  await cluster.sql(
    name,
    'CREATE PUBLICATION all_of_it FOR ALL TABLES; CREATE FOREIGN DATA WRAPPER nowhere; CREATE SERVER far FOREIGN DATA WRAPPER nowhere',
  );
  const before = await contentOf(cluster, name);
  const [later, gone] = ['CREATE PUBLICATION later', 'DROP PUBLICATION later'];
  await comesBack(t, owner, () => asPlain('DROP TABLE users').then(() => cluster.sql(name, later)));
  await cluster.sql(name, gone);
  assert.is(await contentOf(cluster, name), before);
});

test('P3, B2: a view that groups by a primary key comes back with its schema and its types', async (t) => {
  const { cluster, name, owner } = await makeDatabase(
    t,
    `CREATE SCHEMA s; CREATE TYPE s.mood AS ENUM ('ok'); CREATE TABLE s.users(id int PRIMARY KEY, name text, feels s.mood);
     CREATE VIEW s.counted AS SELECT id, name, feels, count(*) FROM s.users GROUP BY id;
     INSERT INTO s.users VALUES (1, 'ann', 'ok')`,
  );
  const before = await contentOf(cluster, name);
  await comesBack(t, owner, () => cluster.sql(name, 'DELETE FROM s.users'));
  assert.is(await contentOf(cluster, name), before);
});

test('P3: what is rarely made comes back as well, and what of it came later does not stay', async (t) => {
  const { cluster, name, owner } = await makeDatabase(
    t,
    `${users}; CREATE COLLATION german (provider = icu, locale = 'de-DE'); CREATE TYPE pair AS (a int, b int);
     CREATE FUNCTION sum_of(pair) RETURNS int LANGUAGE sql AS 'SELECT $1.a + $1.b'; CREATE CAST (pair AS int) WITH FUNCTION sum_of(pair);
     CREATE FUNCTION near(int, int) RETURNS bool LANGUAGE sql AS 'SELECT abs($1 - $2) < 2';
     CREATE OPERATOR <~> (LEFTARG = int, RIGHTARG = int, FUNCTION = near); CREATE OPERATOR FAMILY kin USING btree;
     CREATE OPERATOR CLASS backwards FOR TYPE int USING btree FAMILY kin AS
       OPERATOR 1 >, OPERATOR 2 >=, OPERATOR 3 =, OPERATOR 4 <=, OPERATOR 5 <, FUNCTION 1 btint4cmp(int, int);
     CREATE TEXT SEARCH CONFIGURATION mine (COPY = simple); CREATE TEXT SEARCH DICTIONARY plain (TEMPLATE = simple);
     CREATE AGGREGATE total(int) (SFUNC = int4pl, STYPE = int); CREATE STATISTICS linked ON id, name FROM users;
     CREATE PUBLICATION all_of_it FOR TABLE users; CREATE FOREIGN DATA WRAPPER nowhere; CREATE SERVER far FOREIGN DATA WRAPPER nowhere;
     CREATE USER MAPPING FOR PUBLIC SERVER far; CREATE FUNCTION told() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
     CREATE EVENT TRIGGER told ON sql_drop EXECUTE FUNCTION told(); CREATE CONVERSION turned FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
     CREATE PROCEDURE done(INOUT a int) LANGUAGE sql AS 'SELECT 1'; SELECT lo_from_bytea(4242, 'kept')`,
  );
  const before = await contentOf(cluster, name);
  await comesBack(t, owner, () =>
    cluster.sql(
      name,
      "CREATE COLLATION later FROM german; SELECT lo_put(4242, 0, 'gone'); CREATE OPERATOR FAMILY later USING hash",
    ),
  );
  assert.is(await contentOf(cluster, name), before);
});

test('P3: nobody may do more afterwards than before, whatever is granted by default', async (t) => {
  const { cluster, name, owner, asPlain } = await makePlainDatabase(t, users);
  const reader = `reader_${name}`;
  await cluster.sql(name, `CREATE ROLE ${reader}; GRANT CREATE ON SCHEMA public TO plain_${name}`);
  const byDefault = 'ALTER DEFAULT PRIVILEGES';
  await asPlain(
    `${byDefault} GRANT SELECT ON TABLES TO ${reader}; ${byDefault} REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
     ${byDefault} IN SCHEMA public GRANT USAGE ON SEQUENCES TO ${reader} WITH GRANT OPTION; ${byDefault} REVOKE ALL ON TYPES FROM plain_${name};
     CREATE TABLE secrets(id serial); REVOKE SELECT ON secrets FROM ${reader}; REVOKE USAGE ON SEQUENCE secrets_id_seq FROM ${reader};
     CREATE FUNCTION open() RETURNS int LANGUAGE sql AS 'SELECT 1'; GRANT EXECUTE ON FUNCTION open() TO PUBLIC;
     CREATE FUNCTION closed() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE TYPE mood AS ENUM ('ok')`,
  );
  const before = await contentOf(cluster, name);
  await comesBack(t, owner, () =>
    asPlain(`${byDefault} GRANT ALL ON TABLES TO PUBLIC; CREATE SCHEMA gone; ${byDefault} IN SCHEMA gone GRANT ALL ON TABLES TO PUBLIC;
      ${byDefault} REVOKE ALL ON SEQUENCES FROM plain_${name}; ${byDefault} GRANT ALL ON SCHEMAS TO ${reader}`),
  );
  assert.is(await contentOf(cluster, name), before);
});
