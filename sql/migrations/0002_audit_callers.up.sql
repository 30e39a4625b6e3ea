-- Three views get a column of another type, which CREATE OR REPLACE refuses: they are made anew.
DROP VIEW IF EXISTS auth_store.recent_activity, auth_store.failed_actions, auth_store.security_events;

-- The audit trail says who called and what an application wrote itself; every partition can be replicated; a row of
-- schema_version that a dump brings is in nobody's way.
ALTER TABLE auth_store.audit_log
    ADD COLUMN called_by        text COLLATE "C",
    ADD COLUMN called_as        text COLLATE "C",
    ADD COLUMN from_application boolean;
COMMENT ON COLUMN auth_store.audit_log.called_by IS
    'The database role that called: who had logged in, session_user. NULL: the row is older than this column.';
COMMENT ON COLUMN auth_store.audit_log.called_as IS 'The role that SET ROLE had set, where that was another.';
COMMENT ON COLUMN auth_store.audit_log.from_application IS
    'Written by audit_write(); false: by the store itself. NULL: the row is older than this column.';

DO $$
DECLARE
    item record;
BEGIN
    FOR item IN
        SELECT c.oid::pg_catalog.regclass AS name
          FROM pg_catalog.pg_class c
          LEFT JOIN pg_catalog.pg_inherits i ON i.inhrelid = c.oid
         WHERE COALESCE(i.inhparent, c.oid) IN ('auth_store.audit_log'::pg_catalog.regclass,
                   'auth_store.claimed_jtis'::pg_catalog.regclass, 'auth_store.revoked_jtis'::pg_catalog.regclass)
    LOOP
        EXECUTE pg_catalog.format('ALTER TABLE %s REPLICA IDENTITY FULL', item.name);
    END LOOP;
END
$$;

ALTER TABLE auth_store.imported_api_keys REPLICA IDENTITY FULL;

ALTER TABLE auth_store.schema_version
    DROP CONSTRAINT schema_version_pkey,
    ADD CONSTRAINT schema_version_pkey PRIMARY KEY (version, applied_at);
COMMENT ON TABLE auth_store.schema_version IS
    'Versions of the tables that install() and migrate() applied; the highest is current. '
    'The default of version is that one too: a dump of the schema alone has it.';
COMMENT ON TABLE auth_store.tenants IS
    'Tenants. A store with one tenant uses ''default'' and never names it; its row is made when it is first needed.';
