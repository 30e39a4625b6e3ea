-- A router for auth_store {version}: a database that has the store's functions and none of its rows. Printed by
-- auth_store.router_sql() on a shard; a superuser runs it in a database of its own, where it may be run again: it then
-- replaces the functions, and keeps the shards, their buckets and the user mappings that are there.
-- The server of the router needs PL/Proxy and the file of auth_store's library, not the extension.
BEGIN;
SET LOCAL search_path = pg_catalog, pg_temp;
SET LOCAL client_min_messages = warning;
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_extension e WHERE e.extname = 'auth_store') THEN
        RAISE EXCEPTION 'this database has the extension auth_store: it is a shard'
            USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Run the script in a database of its own.';
    END IF;
END
$$;
CREATE SCHEMA IF NOT EXISTS auth_store;
CREATE SCHEMA IF NOT EXISTS auth_store_router;
GRANT USAGE ON SCHEMA auth_store, auth_store_router TO PUBLIC;
CREATE EXTENSION IF NOT EXISTS plproxy SCHEMA auth_store_router;

-- What an earlier script has made. Nothing of the application's goes with it: that fails, with its name.
DROP EVENT TRIGGER IF EXISTS auth_store_router_mappings;
DO $$
DECLARE
    former text;
BEGIN
    FOR former IN
        SELECT w.what
          FROM (SELECT 1, c.oid, format('DROP VIEW %s', c.oid::regclass)
                  FROM pg_class c WHERE c.relnamespace = 'auth_store'::regnamespace AND c.relkind = 'v'
                UNION ALL
                SELECT 2, p.oid, format('DROP FUNCTION %s', p.oid::regprocedure)
                  FROM pg_proc p
                 WHERE p.pronamespace IN ('auth_store'::regnamespace, 'auth_store_router'::regnamespace)
                   AND NOT EXISTS (SELECT FROM pg_depend d
                                    WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
                UNION ALL
                SELECT 3, c.oid, format('DROP TYPE %s', c.oid::regclass)
                  FROM pg_class c WHERE c.relnamespace = 'auth_store'::regnamespace AND c.relkind = 'c'
               ) w (step, made, what)
         ORDER BY w.step, w.made DESC
    LOOP
        EXECUTE former;
    END LOOP;
END
$$;
