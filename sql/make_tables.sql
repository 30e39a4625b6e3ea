-- Make the tables, then let go of them: a table that belonged to the extension would lose its rows
-- with it, and in a dump. Those that are there already, from before a DROP EXTENSION CASCADE, are taken in
-- meanwhile: in the script of an extension, CREATE … IF NOT EXISTS passes over its own objects only.
DO $$
DECLARE
    item record;
BEGIN
    IF auth_store.restoring() THEN
        -- The dump brings the tables. CREATE EXTENSION silences notices while its script runs.
        PERFORM pg_catalog.set_config('client_min_messages', 'notice', true);
        RAISE NOTICE 'auth_store: check_function_bodies is off, as in a restore; no tables made'
            USING HINT = 'If this is no restore: SELECT auth_store.install()';
        RETURN;
    END IF;
    FOR item IN
        SELECT c.oid::pg_catalog.regclass AS name,
               CASE c.relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END AS kind
          FROM pg_catalog.pg_class c
         WHERE c.relnamespace = 'auth_store'::pg_catalog.regnamespace
           AND c.relkind IN ('r', 'p', 'v')
    LOOP
        EXECUTE pg_catalog.format('ALTER EXTENSION auth_store ADD %s %s', item.kind, item.name);
    END LOOP;
    PERFORM auth_store.install(); -- refuses those that belong to somebody else
    FOR item IN
        SELECT c.oid::pg_catalog.regclass AS name,
               CASE c.relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END AS kind
          FROM pg_catalog.pg_depend d
          JOIN pg_catalog.pg_class c ON c.oid = d.objid
          JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
         WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
           AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
           AND d.deptype = 'e'
           AND e.extname = 'auth_store'
           AND c.relkind IN ('r', 'p', 'v')
    LOOP
        EXECUTE pg_catalog.format('ALTER EXTENSION auth_store DROP %s %s', item.kind, item.name);
    END LOOP;
END
$$;
