-- The roles of the store. They are cluster-wide, hold no login, and outlive DROP EXTENSION; a DBA
-- grants them: GRANT auth_store_app TO web.
DO $$
DECLARE
    wanted record;
BEGIN
    FOR wanted IN
        SELECT w.name, w.comment
          FROM (VALUES
            ('auth_store_owner', 'Owns the tables of auth_store and runs its functions. To be granted to nobody.'),
            ('auth_store_app',
                'An authorization server: issues, redeems, refreshes and revokes through the functions of auth_store.'),
            ('auth_store_reader',
                'A resource server: introspects and validates through the functions of auth_store, also on a standby.'),
            ('auth_store_admin', 'Operators of auth_store: tenants, clients, users, maintenance and the views.'),
            ('auth_store_auditor',
                'Auditors of auth_store: the views, check() and vault_check(); no tokens, no digests.'),
            ('auth_store_verifier',
                'An API server: what auth_store_reader may, and counts the uses of API keys, tokens and rate limits.'),
            ('auth_store_worker',
                'A worker that refreshes connections: leases what is due and completes it; no tokens of the store''s '
                'own.'),
            ('auth_store_jobs', 'A scheduler: cleanup and partitions of auth_store.'),
            ('auth_store_monitor',
                'A monitoring system: health(), and the views stats, alerts and jobs; nothing of the trail.'),
            ('auth_store_developer',
                'A developer portal: its users register clients, and manage those that they own.'),
            ('auth_store_view', 'Owns the views of auth_store, and reads what they read. To be granted to nobody.')
          ) w (name, comment)
    LOOP
        BEGIN
            IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname OPERATOR(pg_catalog.=) wanted.name) THEN
                EXECUTE pg_catalog.format('CREATE ROLE %I NOLOGIN NOINHERIT', wanted.name);
            END IF;
            -- A comment of another origin stays.
            IF pg_catalog.shobj_description(pg_catalog.to_regrole(wanted.name)::pg_catalog.oid, 'pg_authid')
               IS NULL THEN
                EXECUTE pg_catalog.format('COMMENT ON ROLE %I IS %L', wanted.name, wanted.comment);
            END IF;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL; -- another database of the cluster made it a moment ago
        END;
    END LOOP;
    -- The views hold the tenant pin themselves. A policy would be refused in a session with row_security = off, as
    -- pg_restore's, where a materialized view over one of them is filled.
    IF EXISTS (SELECT FROM pg_catalog.pg_roles r
                WHERE r.rolname OPERATOR(pg_catalog.=) 'auth_store_view' AND NOT r.rolbypassrls) THEN
        ALTER ROLE auth_store_view BYPASSRLS;
    END IF;
    IF pg_catalog.obj_description('auth_store'::pg_catalog.regnamespace::pg_catalog.oid, 'pg_namespace') IS NULL THEN
        COMMENT ON SCHEMA auth_store IS
            'The auth store: functions and types are those of the extension auth_store, the tables and views are '
            'made by auth_store.install().';
    END IF;
END
$$;

-- This runs in a restore too, where install() does not: pg_dump leaves out a privilege that an extension's script
-- granted, so the script grants it again. What default privileges gave to other roles is taken back.
DO $$
DECLARE
    stranger text;
BEGIN
    FOR stranger IN
        SELECT DISTINCT CASE WHEN a.grantee OPERATOR(pg_catalog.=) 0 THEN 'PUBLIC'
                             ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)::pg_catalog.text) END
          FROM pg_catalog.pg_namespace n
               CROSS JOIN pg_catalog.aclexplode(n.nspacl) a
         WHERE n.nspname OPERATOR(pg_catalog.=) 'auth_store'
           AND a.grantee OPERATOR(pg_catalog.<>) n.nspowner
           AND NOT (EXISTS (SELECT FROM pg_catalog.pg_roles r
                             WHERE r.oid OPERATOR(pg_catalog.=) a.grantee
                               AND (r.rolname OPERATOR(pg_catalog.=) ANY (
                                        ARRAY['auth_store_owner', 'auth_store_view']::pg_catalog.name[])
                                    OR a.privilege_type OPERATOR(pg_catalog.=) 'USAGE'
                                       AND r.rolname OPERATOR(pg_catalog.=) ANY (
                                           ARRAY['auth_store_app', 'auth_store_reader', 'auth_store_verifier',
                                                 'auth_store_worker', 'auth_store_jobs', 'auth_store_monitor',
                                                 'auth_store_developer', 'auth_store_admin',
                                                 'auth_store_auditor']::pg_catalog.name[])))
                    AND NOT a.is_grantable)
    LOOP
        EXECUTE pg_catalog.format('REVOKE ALL ON SCHEMA auth_store FROM %s CASCADE', stranger);
    END LOOP;
END
$$;
GRANT USAGE ON SCHEMA auth_store
   TO auth_store_owner, auth_store_app, auth_store_reader, auth_store_verifier, auth_store_worker, auth_store_jobs,
      auth_store_monitor, auth_store_developer, auth_store_admin, auth_store_auditor, auth_store_view;
-- For the partitions, and for a restore in which each object's owner makes it.
GRANT CREATE ON SCHEMA auth_store TO auth_store_owner, auth_store_view;
