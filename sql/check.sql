-- What check() reports: what is missing, foreign or altered. $1 is the version of the library's tables.
-- The shape of each table: an MD5 of its columns, and the constraints and indexes it must have. A test
-- compares this list with a fresh install.
WITH wanted (name, columns, parts) AS (VALUES
    ('access_tokens', '41b6db44303672a59c470db50184934c', ARRAY['access_tokens_digest_length', 'access_tokens_pkey']),
    ('audit_log', '3524f9720c7620bc06cc5d36db3eb777', ARRAY['audit_log_risk_range']),
    ('authorization_codes', '14b1f15f514c4f46496c5014923d25bb', ARRAY['authorization_codes_digest_length', 'authorization_codes_pkey', 'authorization_codes_redeemed_with_grant']),
    ('cleanup_cursors', 'c15a74d0267befeebb0a7311c0f80670', ARRAY['cleanup_cursors_pkey']),
    ('client_secrets', '527ac1f1ddb4a79eb538bd74c1fc9f94', ARRAY['client_secrets_client_fkey', 'client_secrets_client_idx', 'client_secrets_digest_length', 'client_secrets_expires_idx', 'client_secrets_one_form', 'client_secrets_pkey']),
    ('clients', '32f6925495c8859d81926bcd967bf99e', ARRAY['clients_access_token_ttl_range', 'clients_id_key', 'clients_metadata_object', 'clients_pkey', 'clients_rate_limit_positive', 'clients_refresh_grace_range', 'clients_refresh_idle_ttl_positive', 'clients_refresh_token_ttl_positive', 'clients_status_known', 'clients_tenant_fkey', 'clients_tenant_idx', 'clients_type_known']),
    ('grants', '8bc929609a5387ad189aad86a0589211', ARRAY['grants_client_fkey', 'grants_client_idx', 'grants_family_complete', 'grants_pkey', 'grants_reason_with_end', 'grants_user_fkey', 'grants_user_idx']),
    ('schema_version', '2ddc152c5a5c31837f25b4ee2b896bc4', ARRAY['schema_version_pkey']),
    ('tenants', 'eaf9acd787a21f3a257a0100fe392483', ARRAY['tenants_id_shape', 'tenants_pkey', 'tenants_settings_object', 'tenants_status_known']),
    ('users', '4a6f4464e0c7f566d374a7332839304a', ARRAY['users_email_key', 'users_external_id_key', 'users_id_key', 'users_metadata_object', 'users_pkey', 'users_status_known', 'users_tenant_fkey'])
),
relation AS (
    SELECT c.oid, c.relname::text AS name, c.relkind, c.relispartition,
           c.relowner::pg_catalog.regrole::text AS owner, c.relrowsecurity AND c.relforcerowsecurity AS enforced,
           c.relacl, c.relowner,
           EXISTS (SELECT FROM pg_catalog.pg_attribute a
                    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                      AND (a.attname = 'tenant_id' OR c.relname = 'tenants')) AS has_tenant
      FROM pg_catalog.pg_class c
     WHERE c.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace n WHERE n.nspname = 'auth_store')
       AND c.relkind IN ('r', 'p', 'v')
),
found (object, problem, hint) AS (
    SELECT 'role ' || r.name, 'missing', 'SELECT auth_store.install()'
      FROM (VALUES ('auth_store_owner'), ('auth_store_app'), ('auth_store_reader'), ('auth_store_admin'),
                   ('auth_store_auditor')) r (name)
     WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_roles p WHERE p.rolname = r.name)
    UNION ALL
    SELECT 'table ' || w.name, 'missing', 'SELECT auth_store.install()'
      FROM wanted w
     WHERE NOT EXISTS (SELECT FROM relation r WHERE r.name = w.name AND r.relkind IN ('r', 'p'))
    UNION ALL
    SELECT CASE r.relkind WHEN 'v' THEN 'view ' ELSE 'table ' END || r.name, 'belongs to ' || r.owner,
           'SELECT auth_store.install()'
      FROM relation r WHERE r.owner <> 'auth_store_owner'
    UNION ALL
    SELECT 'table ' || w.name, 'its columns are not those of version ' || $1,
           'Compare with a fresh install; SELECT auth_store.migrate() after an upgrade'
      FROM wanted w JOIN relation r ON r.name = w.name
     WHERE w.columns <> (
           SELECT pg_catalog.md5(pg_catalog.string_agg(
                      pg_catalog.format('%s %s %s', a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull),
                      ', ' ORDER BY a.attname COLLATE "C"))
             FROM pg_catalog.pg_attribute a
            WHERE a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped)
    UNION ALL
    SELECT 'table ' || w.name, 'constraint or index ' || part || ' is missing',
           'Put it back as in a fresh install; SELECT auth_store.install() puts back indexes'
      FROM wanted w JOIN relation r ON r.name = w.name CROSS JOIN pg_catalog.unnest(w.parts) part
     WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_constraint c WHERE c.conrelid = r.oid AND c.conname = part)
       AND NOT EXISTS (SELECT FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class ic ON ic.oid = i.indexrelid
                        WHERE i.indrelid = r.oid AND ic.relname = part AND i.indisvalid)
    UNION ALL
    SELECT 'table ' || r.name, 'row-level security is off or its policy tenant_pin is missing',
           'SELECT auth_store.install()'
      FROM relation r
     WHERE r.relkind IN ('r', 'p') AND r.has_tenant
       AND NOT (r.enforced AND EXISTS (
           SELECT FROM pg_catalog.pg_policy p
            WHERE p.polrelid = r.oid AND p.polname = 'tenant_pin' AND p.polcmd = '*' AND p.polroles = '{0}'
              AND pg_catalog.pg_get_expr(p.polqual, p.polrelid) LIKE 'auth_store.tenant_visible(%'))
    UNION ALL
    SELECT 'table ' || r.name, 'policy ' || p.polname || ' widens what a pinned session sees',
           pg_catalog.format('DROP POLICY %I ON auth_store.%I', p.polname, r.name)
      FROM relation r JOIN pg_catalog.pg_policy p ON p.polrelid = r.oid
     WHERE p.polname <> 'tenant_pin' AND p.polpermissive
    UNION ALL
    SELECT 'table ' || r.name,
           a.privilege_type || ' is granted to ' || CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::pg_catalog.regrole::text END,
           pg_catalog.format('REVOKE %s ON auth_store.%I FROM %s', a.privilege_type, r.name,
                  CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::pg_catalog.regrole::text END)
      FROM relation r CROSS JOIN pg_catalog.aclexplode(r.relacl) a
     WHERE a.grantee <> r.relowner AND (r.relkind <> 'v' OR a.privilege_type <> 'SELECT' OR a.grantee = 0)
    UNION ALL
    SELECT 'table ' || r.name, 'carries the trigger ' || t.tgname,
           'A trigger sees every row that is written; drop it unless it is yours'
      FROM relation r JOIN pg_catalog.pg_trigger t ON t.tgrelid = r.oid
     WHERE NOT t.tgisinternal
    UNION ALL
    SELECT 'function ' || p.oid::pg_catalog.regprocedure::text, 'PUBLIC may execute it',
           pg_catalog.format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', p.oid::pg_catalog.regprocedure)
      FROM pg_catalog.pg_proc p
      JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = p.oid AND d.deptype = 'e'
      JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid AND e.extname = 'auth_store'
     WHERE EXISTS (SELECT FROM pg_catalog.aclexplode(COALESCE(p.proacl, pg_catalog.acldefault('f', p.proowner))) a
                    WHERE a.grantee = 0)
    UNION ALL
    SELECT 'function ' || p.oid::pg_catalog.regprocedure::text,
           'runs as ' || p.proowner::pg_catalog.regrole::text,
           pg_catalog.format('ALTER FUNCTION %s OWNER TO auth_store_owner', p.oid::pg_catalog.regprocedure)
      FROM pg_catalog.pg_proc p
      JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = p.oid AND d.deptype = 'e'
      JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid AND e.extname = 'auth_store'
     WHERE p.prosecdef AND p.proowner::pg_catalog.regrole::text <> 'auth_store_owner'
    UNION ALL
    SELECT 'table audit_log', 'has no partition for the current month', 'SELECT auth_store.partitions_ensure()'
     WHERE EXISTS (SELECT FROM relation r WHERE r.name = 'audit_log')
       AND NOT EXISTS (
           SELECT FROM pg_catalog.pg_inherits i JOIN relation p ON p.oid = i.inhparent AND p.name = 'audit_log'
             JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
            WHERE c.relname LIKE '%' || pg_catalog.to_char(pg_catalog.clock_timestamp() AT TIME ZONE 'UTC', '"y"YYYY"m"MM'))
)
SELECT object, problem, hint FROM found ORDER BY object COLLATE "C", problem COLLATE "C"
