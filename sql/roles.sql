-- The roles of the store. They are cluster-wide, hold no login, and outlive DROP EXTENSION; a DBA
-- grants them: GRANT auth_store_app TO web.
DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY[
        'auth_store_owner',   -- owns the tables and the SECURITY DEFINER functions
        'auth_store_app',     -- issues, redeems, refreshes, revokes
        'auth_store_reader',  -- introspects and validates only, also on a standby
        'auth_store_admin',   -- manages tenants, clients, users and maintenance
        'auth_store_auditor', -- reads the audit trail and the reports, no digests
        'auth_store_view'     -- owns the views, and reads what they read
    ] LOOP
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = wanted) THEN
            BEGIN
                EXECUTE pg_catalog.format('CREATE ROLE %I NOLOGIN NOINHERIT', wanted);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL; -- another database of the cluster made it a moment ago
            END;
        END IF;
    END LOOP;
    -- The views hold the tenant pin themselves. A policy would be refused in a session with row_security = off, as
    -- pg_restore's, where a materialized view over one of them is filled. Nobody is a member of this role.
    IF EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = 'auth_store_view' AND NOT r.rolbypassrls) THEN
        ALTER ROLE auth_store_view BYPASSRLS;
    END IF;
END
$$;

-- Also in a restore, where install() does not run: a privilege that the script of an extension granted is
-- the script's to grant again, pg_dump leaves it out.
GRANT USAGE ON SCHEMA auth_store
   TO auth_store_owner, auth_store_app, auth_store_reader, auth_store_admin, auth_store_auditor, auth_store_view;
-- For the partitions, and for a restore in which each object's owner makes it.
GRANT CREATE ON SCHEMA auth_store TO auth_store_owner, auth_store_view;
