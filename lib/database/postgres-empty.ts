/** What stays whoever asks: what belongs to the server itself has a smaller number. */
const firstOfUsers = 16_384;

/** What goes with an extension, or with what it is a part of; that a column belongs to its table says nothing of the table. */
const isPart = (catalog: string, oid: string): string => `EXISTS (SELECT FROM pg_depend d
      WHERE d.classid = ${catalog} AND d.objid = ${oid} AND d.objsubid = 0 AND d.deptype IN ('e', 'i'))`;

/** What an application may have made: everything that is neither the system's own nor an extension's. */
const own = (catalog: string, oid: string): string =>
  `n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND NOT ${isPart(`'${catalog}'::regclass`, oid)}`;

/** An extension that somebody else installed, who alone may remove it: most of them only a superuser may install. */
const othersExtension = `(e.oid < ${firstOfUsers} OR NOT pg_has_role(e.extowner, 'USAGE'))`;

/** What is in no group of its own below: rarely made, and by its catalog alone known how it is removed. */
const rareCatalogs =
  'pg_collation pg_conversion pg_operator pg_opclass pg_opfamily pg_ts_config pg_ts_dict pg_ts_parser pg_ts_template ' +
  'pg_cast pg_transform pg_language pg_publication pg_foreign_server pg_foreign_data_wrapper pg_event_trigger pg_am';

const rare = `(${rareCatalogs
  .split(' ')
  .map((name) => `SELECT tableoid AS catalog, oid FROM ${name}`)
  .join(' UNION ALL ')}) o, pg_identify_object(o.catalog, o.oid, 0) i
    WHERE o.oid >= ${firstOfUsers} AND coalesce(i.schema, '') !~ '^pg_' AND NOT ${isPart('o.catalog', 'o.oid')}`;

/** Of what belongs to the first superuser, or to nobody, no owner is written down. */
const isMine = `coalesce((SELECT pg_has_role(s.refobjid, 'USAGE') FROM pg_shdepend s JOIN pg_database b ON b.oid = s.dbid
      WHERE b.datname = current_database() AND s.classid = o.catalog AND s.objid = o.oid AND s.deptype = 'o'),
      pg_has_role(10, 'USAGE'))`;

/** The default privileges of every role that this one has; those in a schema only add to the others. */
const defaultPrivileges = `(SELECT d.*, format('ALTER DEFAULT PRIVILEGES FOR ROLE %I%s', pg_get_userbyid(d.defaclrole),
        ' IN SCHEMA ' || quote_ident(n.nspname)) AS alter,
      CASE d.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'FUNCTIONS' WHEN 'T' THEN 'TYPES'
        WHEN 'n' THEN 'SCHEMAS' ELSE 'LARGE OBJECTS' END AS things,
      acldefault(CASE d.defaclobjtype WHEN 'S' THEN 's' ELSE d.defaclobjtype END, d.defaclrole) AS builtin
    FROM pg_default_acl d LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace WHERE pg_has_role(d.defaclrole, 'USAGE')) d`;

const grantee = `CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END`;

/**
 * SQL that removes what is in the database, for a transaction that fills it anew: pg_restore's own --clean removes only what
 * the backup knows, and fails on it when a table that came later refers to one of those. The names are collected before
 * the first goes, since each takes others with it. Nothing made anew may be given away by default: a backup says only how
 * privileges differ from the built-in ones, and puts the default privileges back last. Others who use the database are not
 * waited for long.
 */
export const emptyDatabase = `
SET client_min_messages = warning;
SET LOCAL lock_timeout = '15s';
DO $cutover$
DECLARE drops text[]; line text;
BEGIN
  SELECT array_agg(drop ORDER BY rank) INTO drops FROM (
    SELECT DISTINCT 1 AS rank, format('%s REVOKE ALL ON %s FROM %s CASCADE', d.alter, d.things, ${grantee}) AS drop
    FROM ${defaultPrivileges}, aclexplode(d.defaclacl) a
    UNION ALL
    SELECT DISTINCT 2, format('%s GRANT ALL ON %s TO %s', d.alter, d.things, ${grantee})
    FROM ${defaultPrivileges}, aclexplode(d.builtin) a WHERE d.defaclnamespace = 0
    UNION ALL
    SELECT 1, format('DROP %s IF EXISTS %I.%I CASCADE', CASE c.relkind WHEN 'v' THEN 'VIEW'
      WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'f' THEN 'FOREIGN TABLE' ELSE 'TABLE' END, n.nspname, c.relname)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm') AND ${own('pg_class', 'c.oid')}
    UNION ALL
    SELECT 2, format('DROP SEQUENCE IF EXISTS %I.%I CASCADE', n.nspname, c.relname)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'S' AND ${own('pg_class', 'c.oid')}
    UNION ALL
    SELECT CASE i.type WHEN 'event trigger' THEN 0 ELSE 3 END,
      format('DROP %s IF EXISTS %s CASCADE', replace(i.type, '-', ' '), i.identity)
    FROM ${rare} AND ${isMine}
    UNION ALL
    SELECT 4, format('DROP ROUTINE IF EXISTS %I.%I(%s) CASCADE', n.nspname, p.proname,
      pg_get_function_identity_arguments(p.oid))
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE ${own('pg_proc', 'p.oid')}
    UNION ALL
    SELECT 5, format('DROP TYPE IF EXISTS %I.%I CASCADE', n.nspname, t.typname)
    FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
    LEFT JOIN pg_class c ON c.oid = t.typrelid
    WHERE (t.typtype IN ('e', 'd', 'r') OR c.relkind = 'c') AND ${own('pg_type', 't.oid')}
    UNION ALL
    SELECT 6, format('DROP EXTENSION IF EXISTS %I CASCADE', e.extname) FROM pg_extension e WHERE NOT ${othersExtension}
    UNION ALL
    SELECT 7, format('DROP SCHEMA IF EXISTS %I CASCADE', n.nspname)
    FROM pg_namespace n
    WHERE n.nspname <> 'public' AND pg_has_role(n.nspowner, 'USAGE') AND ${own('pg_namespace', 'n.oid')}
      AND NOT EXISTS (SELECT FROM pg_extension e WHERE e.extnamespace = n.oid AND ${othersExtension})
    UNION ALL
    SELECT 8, format('SELECT lo_unlink(%s)', l.oid) FROM pg_largeobject_metadata l
  ) AS all_drops;
  FOREACH line IN ARRAY coalesce(drops, '{}') LOOP EXECUTE line; END LOOP;
END $cutover$;
`;

/**
 * SQL that names what is still there after that, a line each, as an archive's list of contents begins to tell of it: whoever
 * created it once more would be refused, and who does not own it may say nothing of it.
 */
export const stayingEntries = `
WITH e AS (SELECT * FROM pg_extension e WHERE ${othersExtension})
SELECT word || e.extname FROM e, unnest('{"EXTENSION - ", "COMMENT - EXTENSION "}'::text[]) word
UNION ALL
SELECT word || n.nspname
FROM pg_namespace n, unnest('{"SCHEMA - ", "COMMENT - SCHEMA ", "ACL - SCHEMA "}'::text[]) word
WHERE ${own('pg_namespace', 'n.oid')} AND (NOT pg_has_role(n.nspowner, 'USAGE')
  OR (word = 'SCHEMA - ' AND EXISTS (SELECT FROM e WHERE e.extnamespace = n.oid)))
UNION ALL
SELECT upper(replace(i.type, '-', ' ')) || ' - ' || i.identity FROM ${rare} AND i.schema IS NULL AND NOT ${isMine}
UNION ALL
SELECT word || n.nspname || ' ' || c.relname
FROM e JOIN pg_depend d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.deptype = 'e'
  JOIN pg_class c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid JOIN pg_namespace n ON n.oid = c.relnamespace,
  unnest('{"TABLE DATA ", "SEQUENCE SET "}'::text[]) word
`;
