-- Row-level security, forced on the owner too: while auth_store.tenant_id is set, a session sees one
-- tenant. One policy on every table and on every partition, because a policy on the parent does not
-- cover a direct read of a partition. One that was altered is made anew.
DO $$
DECLARE
    item record;
BEGIN
    FOR item IN
        SELECT c.oid::pg_catalog.regclass AS name,
               a.attname AS tenant_column,
               c.relrowsecurity AND c.relforcerowsecurity AS enforced,
               p.oid IS NOT NULL AS present,
               pg_catalog.obj_description(p.oid, 'pg_policy') IS NOT NULL AS described,
               COALESCE(p.polpermissive AND p.polcmd = '*' AND p.polroles = '{0}' AND p.polwithcheck IS NULL
                   AND pg_catalog.pg_get_expr(p.polqual, p.polrelid)
                     = pg_catalog.format('auth_store.tenant_visible(%I)', a.attname), false) AS pinned
          FROM pg_catalog.pg_class c
          JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid
               AND a.attname = CASE c.relname WHEN 'tenants' THEN 'id' ELSE 'tenant_id' END
          LEFT JOIN pg_catalog.pg_policy p ON p.polrelid = c.oid AND p.polname = 'tenant_pin'
         WHERE c.relnamespace = 'auth_store'::pg_catalog.regnamespace
           AND c.relkind IN ('r', 'p')
           -- Of all tenants: the one that it names has the key that seals.
           AND c.relname <> 'audit_segments'
    LOOP
        IF NOT item.enforced THEN
            EXECUTE pg_catalog.format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', item.name);
            EXECUTE pg_catalog.format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', item.name);
        END IF;
        IF item.present AND NOT item.pinned THEN
            EXECUTE pg_catalog.format('DROP POLICY tenant_pin ON %s', item.name);
        END IF;
        IF NOT item.pinned THEN
            EXECUTE pg_catalog.format('CREATE POLICY tenant_pin ON %s USING (auth_store.tenant_visible(%I))',
                                      item.name, item.tenant_column);
        END IF;
        IF NOT (item.pinned AND item.described) THEN
            EXECUTE pg_catalog.format('COMMENT ON POLICY tenant_pin ON %s IS %L', item.name,
                                      'While auth_store.tenant_id is set, a session sees the rows of that tenant only, '
                                      'and writes no others.');
        END IF;
    END LOOP;
END
$$;
