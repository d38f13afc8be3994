/** What an application may have made: everything that is neither the system's own nor an extension's. */
const own = (catalog: string, oid: string): string =>
  `n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND NOT EXISTS (
      SELECT FROM pg_depend d WHERE d.classid = '${catalog}'::regclass AND d.objid = ${oid} AND d.deptype IN ('e', 'i'))`;

/**
 * SQL that removes what is in the database, for a transaction that fills it anew: pg_restore's own --clean removes only what
 * the backup knows, and fails on it when a table that came later refers to one of those. The names are collected before
 * the first goes, since each takes others with it. Others who use the database are not waited for long.
 */
export const emptyDatabase = `
SET client_min_messages = warning;
SET LOCAL lock_timeout = '15s';
DO $cutover$
DECLARE drops text[]; line text;
BEGIN
  SELECT array_agg(drop ORDER BY rank) INTO drops FROM (
    SELECT 1 AS rank, format('DROP %s IF EXISTS %I.%I CASCADE', CASE c.relkind WHEN 'v' THEN 'VIEW'
      WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'f' THEN 'FOREIGN TABLE' ELSE 'TABLE' END, n.nspname, c.relname) AS drop
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm') AND ${own('pg_class', 'c.oid')}
    UNION ALL
    SELECT 2, format('DROP SEQUENCE IF EXISTS %I.%I CASCADE', n.nspname, c.relname)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'S' AND ${own('pg_class', 'c.oid')}
    UNION ALL
    SELECT 3, format('DROP ROUTINE IF EXISTS %I.%I(%s) CASCADE', n.nspname, p.proname,
      pg_get_function_identity_arguments(p.oid))
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE ${own('pg_proc', 'p.oid')}
    UNION ALL
    SELECT 4, format('DROP TYPE IF EXISTS %I.%I CASCADE', n.nspname, t.typname)
    FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
    LEFT JOIN pg_class c ON c.oid = t.typrelid
    WHERE (t.typtype IN ('e', 'd', 'r') OR c.relkind = 'c') AND ${own('pg_type', 't.oid')}
    UNION ALL
    SELECT 5, format('DROP SCHEMA IF EXISTS %I CASCADE', n.nspname)
    FROM pg_namespace n
    WHERE n.nspname <> 'public' AND ${own('pg_namespace', 'n.oid')}
      AND NOT EXISTS (SELECT FROM pg_extension e WHERE e.extnamespace = n.oid)
  ) AS all_drops;
  FOREACH line IN ARRAY coalesce(drops, '{}') LOOP EXECUTE line; END LOOP;
END $cutover$;
`;
