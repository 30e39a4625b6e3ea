-- What check() reports: what is missing, foreign or altered. $1 is the version of the library's tables.
-- The shape of each table: an MD5 of its columns, and the constraints and indexes it must have. A test
-- compares this list with a fresh install.
WITH wanted (name, columns, parts) AS (VALUES
    ('access_tokens', '41b6db44303672a59c470db50184934c', ARRAY['access_tokens_pkey']),
    ('api_keys', '141c2297ac76716a5ce5726e3c5c119d', ARRAY['api_keys_client_fkey', 'api_keys_client_idx', 'api_keys_digest_length', 'api_keys_ended_idx', 'api_keys_metadata_object', 'api_keys_one_owner', 'api_keys_pkey', 'api_keys_rate_limit_positive', 'api_keys_tenant_idx', 'api_keys_user_fkey', 'api_keys_user_idx']),
    ('audit_log', 'df39adf849cad253de9bfaf769a17c2c', ARRAY[]::text[]),
    ('authorization_codes', '14b1f15f514c4f46496c5014923d25bb', ARRAY['authorization_codes_pkey']),
    ('claimed_jtis', 'f9411c4a6d889aac1472bd8e0086d5c3', ARRAY[]::text[]),
    ('cleanup_cursors', 'c15a74d0267befeebb0a7311c0f80670', ARRAY['cleanup_cursors_pkey']),
    ('client_secrets', '527ac1f1ddb4a79eb538bd74c1fc9f94', ARRAY['client_secrets_client_fkey', 'client_secrets_client_idx', 'client_secrets_digest_length', 'client_secrets_expires_idx', 'client_secrets_one_form', 'client_secrets_pkey']),
    ('clients', '32f6925495c8859d81926bcd967bf99e', ARRAY['clients_access_token_ttl_range', 'clients_id_key', 'clients_metadata_object', 'clients_pkey', 'clients_rate_limit_positive', 'clients_refresh_grace_range', 'clients_refresh_idle_ttl_positive', 'clients_refresh_token_ttl_positive', 'clients_status_known', 'clients_tenant_fkey', 'clients_tenant_idx', 'clients_type_known']),
    ('connections', 'bd1bf584cb10f7073b64616d6eda1bab', ARRAY['connections_actor_type_known', 'connections_key', 'connections_metadata_object', 'connections_pkey', 'connections_refresh_idx', 'connections_tokens_unless_revoked', 'connections_vault_key_fkey', 'connections_vault_key_idx']),
    ('consents', '61c96881ce137079af5b04b001b78e02', ARRAY['consents_client_fkey', 'consents_client_idx', 'consents_expires_idx', 'consents_key', 'consents_pkey', 'consents_scope_length', 'consents_user_fkey']),
    ('device_codes', '7494260b1b02836657d2715362b073fa', ARRAY['device_codes_pkey', 'device_codes_user_code_key']),
    ('grants', '5c15aada1854cc8d159914a571523fc4', ARRAY['grants_client_fkey', 'grants_client_idx', 'grants_pkey', 'grants_user_fkey', 'grants_user_idx']),
    ('imported_api_keys', '31746908b0ff546b77584b1e079b4712', ARRAY['imported_api_keys_key_fkey', 'imported_api_keys_key_idx', 'imported_api_keys_pkey']),
    ('revoked_jtis', 'a7f9cdeae3371f094b5f88495f1b2881', ARRAY[]::text[]),
    ('pushed_requests', 'a7669b9eb58a90a3f48961bc8db4c105', ARRAY['pushed_requests_pkey']),
    ('imported_refresh_tokens', '2118488aec9753e115d48ad5333cfbf6', ARRAY['imported_refresh_tokens_digest_key', 'imported_refresh_tokens_digest_length', 'imported_refresh_tokens_pkey']),
    ('rate_limits', '4b85c3444fde15c5b8c64c11f0a8d871', ARRAY['rate_limits_pkey']),
    ('schema_version', '2ddc152c5a5c31837f25b4ee2b896bc4', ARRAY['schema_version_pkey']),
    ('sessions', 'ae4feaf51f25fd0580a0a25cb1eecbe4', ARRAY['sessions_pkey', 'sessions_user_fkey', 'sessions_user_idx']),
    ('tenants', 'eaf9acd787a21f3a257a0100fe392483', ARRAY['tenants_id_shape', 'tenants_pkey', 'tenants_settings_object', 'tenants_status_known']),
    ('users', '4a6f4464e0c7f566d374a7332839304a', ARRAY['users_email_key', 'users_external_id_key', 'users_id_key', 'users_metadata_object', 'users_pkey', 'users_status_known', 'users_tenant_fkey']),
    ('vault_keys', '11be739d2e8dd90b3fcf64b5637f4bfe', ARRAY['vault_keys_current_key', 'vault_keys_pkey', 'vault_keys_retired_idx', 'vault_keys_tenant_fkey', 'vault_keys_tenant_idx', 'vault_keys_wrapped_length'])
),
relation AS (
    SELECT c.oid, c.relname::text AS name, c.relkind,
           CASE c.relkind WHEN 'r' THEN 'table ' WHEN 'p' THEN 'table ' WHEN 'v' THEN 'view ' WHEN 'm' THEN 'materialized view '
                          WHEN 'S' THEN 'sequence ' ELSE 'foreign table ' END || c.relname AS object,
           c.relispartition, c.relpersistence, c.relacl, c.relowner, pg_catalog.pg_get_userbyid(c.relowner)::text AS owner,
           c.relrowsecurity AND c.relforcerowsecurity AS enforced,
           -- the column that the policy must be about
           (SELECT a.attname FROM pg_catalog.pg_attribute a
             WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
               AND a.attname = CASE c.relname WHEN 'tenants' THEN 'id' ELSE 'tenant_id' END) AS tenant_column
      FROM pg_catalog.pg_class c
     WHERE c.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace n WHERE n.nspname = 'auth_store')
       AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
),
wanted_view (name) AS (VALUES
    ('failed_actions'), ('provider_connections'), ('recent_activity'), ('security_events'), ('token_activity')
),
-- A privilege on a table, a view or one of its columns.
privilege AS (
    SELECT r.oid, r.name, r.object, r.relkind, r.relowner, '' AS part, a.grantee, a.privilege_type
      FROM relation r CROSS JOIN pg_catalog.aclexplode(r.relacl) a
    UNION ALL
    SELECT r.oid, r.name, r.object, r.relkind, r.relowner, pg_catalog.format(' (%I)', c.attname), a.grantee, a.privilege_type
      FROM relation r JOIN pg_catalog.pg_attribute c ON c.attrelid = r.oid AND NOT c.attisdropped
           CROSS JOIN pg_catalog.aclexplode(c.attacl) a
),
member AS (
    SELECT p.oid, p.oid::pg_catalog.regprocedure::text AS name, p.prosecdef, p.proconfig, p.proowner, p.proacl
      FROM pg_catalog.pg_proc p
      JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = p.oid AND d.deptype = 'e'
      JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid AND e.extname = 'auth_store'
     WHERE d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
),
store_role (name, oid) AS (
    SELECT w.name, r.oid
      FROM (VALUES ('auth_store_owner'), ('auth_store_app'), ('auth_store_reader'), ('auth_store_admin'),
                   ('auth_store_auditor')) w (name)
      LEFT JOIN pg_catalog.pg_roles r ON r.rolname = w.name
),
schema AS (
    SELECT n.oid, n.nspowner, n.nspacl, pg_catalog.pg_get_userbyid(n.nspowner)::text AS owner
      FROM pg_catalog.pg_namespace n WHERE n.nspname = 'auth_store'
),
found (object, problem, hint) AS (
    SELECT 'role ' || w.name, 'missing', 'SELECT auth_store.install()'
      FROM store_role w WHERE w.oid IS NULL
    UNION ALL
    SELECT 'schema auth_store', w.name || ' may not use it', 'SELECT auth_store.install()'
      FROM store_role w CROSS JOIN schema s WHERE NOT pg_catalog.has_schema_privilege(w.oid, s.oid, 'USAGE')
    UNION ALL
    SELECT 'schema auth_store', 'belongs to ' || s.owner, 'ALTER SCHEMA auth_store OWNER TO a superuser'
      FROM schema s
     WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.oid = s.nspowner AND r.rolsuper)
    UNION ALL
    SELECT 'schema auth_store', 'CREATE is granted to ' || g.name, 'REVOKE CREATE ON SCHEMA auth_store FROM ' || g.name
      FROM schema s CROSS JOIN pg_catalog.aclexplode(s.nspacl) a
           CROSS JOIN LATERAL (SELECT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::pg_catalog.regrole::text END) g (name)
     WHERE a.privilege_type = 'CREATE' AND a.grantee <> s.nspowner AND g.name <> 'auth_store_owner'
    UNION ALL
    SELECT 'table ' || w.name, 'missing', 'SELECT auth_store.install()'
      FROM wanted w
     WHERE NOT EXISTS (SELECT FROM relation r WHERE r.name = w.name AND r.relkind IN ('r', 'p'))
    UNION ALL
    SELECT 'view ' || w.name, 'missing', 'SELECT auth_store.install()'
      FROM wanted_view w
     WHERE NOT EXISTS (SELECT FROM relation r WHERE r.name = w.name AND r.relkind = 'v')
    UNION ALL
    SELECT r.object, 'is none of the store''s', 'Move it to another schema'
      FROM relation r
     WHERE NOT EXISTS (SELECT FROM wanted w WHERE w.name = r.name AND r.relkind IN ('r', 'p'))
       AND NOT EXISTS (SELECT FROM wanted_view w WHERE w.name = r.name AND r.relkind = 'v')
       AND NOT EXISTS (SELECT FROM pg_catalog.pg_inherits i JOIN relation p ON p.oid = i.inhparent JOIN wanted w ON w.name = p.name
                        WHERE i.inhrelid = r.oid AND r.relispartition AND r.relkind = 'r')
    UNION ALL
    SELECT r.object, 'belongs to ' || r.owner, 'SELECT auth_store.install()'
      FROM relation r WHERE r.owner <> 'auth_store_owner'
    UNION ALL
    SELECT r.object, 'is unlogged: a crash empties it', pg_catalog.format('ALTER TABLE auth_store.%I SET LOGGED', r.name)
      FROM relation r WHERE r.relpersistence = 'u' AND r.name <> 'rate_limits'
    UNION ALL
    SELECT r.object, 'its columns are not those of version ' || $1,
           'Compare with a fresh install; SELECT auth_store.migrate() after an upgrade'
      FROM wanted w JOIN relation r ON r.name = w.name
     WHERE w.columns <> (
           SELECT pg_catalog.md5(pg_catalog.string_agg(
                      pg_catalog.format('%s %s %s', a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull),
                      ', ' ORDER BY a.attname COLLATE "C"))
             FROM pg_catalog.pg_attribute a
            WHERE a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped)
    UNION ALL
    SELECT r.object, 'constraint or index ' || part || ' is missing',
           'Put it back as in a fresh install; SELECT auth_store.install() puts back indexes'
      FROM wanted w JOIN relation r ON r.name = w.name CROSS JOIN pg_catalog.unnest(w.parts) part
     WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_constraint c WHERE c.conrelid = r.oid AND c.conname = part)
       AND NOT EXISTS (SELECT FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class ic ON ic.oid = i.indexrelid
                        WHERE i.indrelid = r.oid AND ic.relname = part AND i.indisvalid)
    UNION ALL
    SELECT r.object, 'row-level security is off or its policy tenant_pin is missing or altered', 'SELECT auth_store.install()'
      FROM relation r
     WHERE r.relkind IN ('r', 'p') AND r.tenant_column IS NOT NULL
       AND NOT (r.enforced AND EXISTS (
           SELECT FROM pg_catalog.pg_policy p
            WHERE p.polrelid = r.oid AND p.polname = 'tenant_pin' AND p.polpermissive AND p.polcmd = '*' AND p.polroles = '{0}'
              AND p.polwithcheck IS NULL
              AND pg_catalog.pg_get_expr(p.polqual, p.polrelid) = pg_catalog.format('auth_store.tenant_visible(%I)', r.tenant_column)))
    UNION ALL
    SELECT r.object, 'policy ' || p.polname || ' widens what a pinned session sees',
           pg_catalog.format('DROP POLICY %I ON auth_store.%I', p.polname, r.name)
      FROM relation r JOIN pg_catalog.pg_policy p ON p.polrelid = r.oid
     WHERE p.polname <> 'tenant_pin' AND p.polpermissive
    UNION ALL
    SELECT p.object, p.privilege_type || p.part || ' is granted to ' || g.name,
           pg_catalog.format('REVOKE %s%s ON auth_store.%I FROM %s', p.privilege_type, p.part, p.name, g.name)
      FROM privilege p
           CROSS JOIN LATERAL (SELECT CASE p.grantee WHEN 0 THEN 'PUBLIC' ELSE p.grantee::pg_catalog.regrole::text END) g (name)
     WHERE p.grantee <> p.relowner AND (p.relkind <> 'v' OR p.privilege_type <> 'SELECT' OR p.grantee = 0)
    UNION ALL
    SELECT 'view ' || w.name, 'SELECT is not granted to ' || a.reader, 'SELECT auth_store.install()'
      FROM wanted_view w
           JOIN relation r ON r.name = w.name AND r.relkind = 'v'
           CROSS JOIN (VALUES ('auth_store_admin'), ('auth_store_auditor')) a (reader)
     WHERE NOT EXISTS (SELECT FROM privilege p
                        WHERE p.name = r.name AND p.part = '' AND p.privilege_type = 'SELECT'
                          AND p.grantee = pg_catalog.to_regrole(a.reader))
    UNION ALL
    SELECT r.object, 'carries the trigger ' || t.tgname,
           'A trigger sees every row that is written; drop it unless it is yours'
      FROM relation r JOIN pg_catalog.pg_trigger t ON t.tgrelid = r.oid
     WHERE NOT t.tgisinternal
    UNION ALL
    SELECT r.object, 'carries the rule ' || w.rulename, 'A rule rewrites what the store sends; drop it'
      FROM relation r JOIN pg_catalog.pg_rewrite w ON w.ev_class = r.oid
     WHERE NOT (r.relkind IN ('v', 'm') AND w.rulename = '_RETURN')
    UNION ALL
    SELECT 'function ' || p.oid::pg_catalog.regprocedure::text, 'is none of the store''s', 'Move it to another schema'
      FROM pg_catalog.pg_proc p
     WHERE p.pronamespace = (SELECT s.oid FROM schema s) AND NOT EXISTS (SELECT FROM member m WHERE m.oid = p.oid)
    UNION ALL
    SELECT 'function ' || m.name, 'PUBLIC may execute it', pg_catalog.format('REVOKE EXECUTE ON ROUTINE %s FROM PUBLIC', m.name)
      FROM member m
     WHERE EXISTS (SELECT FROM pg_catalog.aclexplode(COALESCE(m.proacl, pg_catalog.acldefault('f', m.proowner))) a
                    WHERE a.grantee = 0)
    UNION ALL
    SELECT 'function ' || m.name, 'runs as ' || pg_catalog.pg_get_userbyid(m.proowner),
           pg_catalog.format('ALTER ROUTINE %s OWNER TO auth_store_owner', m.name)
      FROM member m
     WHERE m.prosecdef AND pg_catalog.pg_get_userbyid(m.proowner) <> 'auth_store_owner'
    UNION ALL
    SELECT 'function ' || m.name, 'its search_path is not pinned to pg_catalog, pg_temp',
           pg_catalog.format('ALTER ROUTINE %s SET search_path = pg_catalog, pg_temp', m.name)
      FROM member m
     WHERE m.prosecdef AND m.proconfig IS DISTINCT FROM ARRAY['search_path=pg_catalog, pg_temp']
    UNION ALL
    SELECT r.object, 'has neither a key nor a replica identity: a publication would stop every deletion',
           pg_catalog.format('ALTER TABLE auth_store.%I REPLICA IDENTITY FULL', r.name)
      FROM relation r JOIN pg_catalog.pg_class c ON c.oid = r.oid
     WHERE r.relkind IN ('r', 'p') AND r.relpersistence = 'p' AND c.relreplident <> 'f'
       AND NOT EXISTS (SELECT FROM pg_catalog.pg_index i
                        WHERE i.indrelid = r.oid
                          AND CASE c.relreplident WHEN 'd' THEN i.indisprimary WHEN 'i' THEN i.indisreplident ELSE false END)
       -- one of the store's that has no key, or a partition; a table that has lost its key is said above
       AND (r.relispartition OR EXISTS (SELECT FROM wanted w WHERE w.name = r.name AND w.name || '_pkey' <> ALL (w.parts)))
    UNION ALL
    SELECT 'table audit_log', 'has no partition for the current month', 'SELECT auth_store.partitions_ensure()'
     WHERE EXISTS (SELECT FROM relation r WHERE r.name = 'audit_log')
       AND NOT EXISTS (
           SELECT FROM pg_catalog.pg_inherits i JOIN relation p ON p.oid = i.inhparent AND p.name = 'audit_log'
             JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
            WHERE c.relname LIKE '%' || pg_catalog.to_char(pg_catalog.clock_timestamp() AT TIME ZONE 'UTC', '"y"YYYY"m"MM'))
)
SELECT object, problem, hint FROM found ORDER BY object COLLATE "C", problem COLLATE "C"
