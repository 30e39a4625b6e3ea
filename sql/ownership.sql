-- Every table, partition and view of the store belongs to auth_store_owner, and nobody else may touch a
-- table directly; the auditor and the administrator read the views. Whatever else was granted, by hand or by default
-- privileges, is taken back.
DO $$
DECLARE
    item record;
BEGIN
    FOR item IN
        SELECT c.oid::pg_catalog.regclass AS name, c.relkind
          FROM pg_catalog.pg_class c
         WHERE c.relnamespace = 'auth_store'::pg_catalog.regnamespace
           AND c.relkind IN ('r', 'p', 'v')
           AND c.relowner <> 'auth_store_owner'::pg_catalog.regrole
    LOOP
        EXECUTE pg_catalog.format('ALTER %s %s OWNER TO auth_store_owner',
            CASE item.relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END, item.name);
    END LOOP;
    FOR item IN
        WITH relation AS (
            SELECT c.oid, c.relkind, c.relowner, COALESCE(c.relacl, pg_catalog.acldefault('r', c.relowner)) AS acl
              FROM pg_catalog.pg_class c
             WHERE c.relnamespace = 'auth_store'::pg_catalog.regnamespace
               AND c.relkind IN ('r', 'p', 'v')
        ),
        reader AS (
            SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname IN ('auth_store_auditor', 'auth_store_admin')
        ),
        granted AS (
            SELECT r.oid, r.relkind, a.grantee, a.privilege_type, a.is_grantable, true AS whole
              FROM relation r CROSS JOIN pg_catalog.aclexplode(r.acl) a
             WHERE a.grantee <> r.relowner
            UNION ALL
            SELECT r.oid, r.relkind, a.grantee, a.privilege_type, a.is_grantable, false
              FROM relation r
              JOIN pg_catalog.pg_attribute c ON c.attrelid = r.oid AND NOT c.attisdropped
                   CROSS JOIN pg_catalog.aclexplode(c.attacl) a
             WHERE a.grantee <> r.relowner
        )
        SELECT 1 AS step, pg_catalog.format('REVOKE ALL ON TABLE %s FROM %s CASCADE', g.oid::pg_catalog.regclass,
                   CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(g.grantee)::text) END) AS statement
          FROM granted g
         WHERE NOT (g.relkind = 'v' AND g.privilege_type = 'SELECT' AND NOT g.is_grantable AND g.whole
                    AND g.grantee IN (SELECT r.oid FROM reader r))
        UNION
        SELECT 2, pg_catalog.format('GRANT ALL ON TABLE %s TO auth_store_owner', r.oid::pg_catalog.regclass)
          FROM relation r
         WHERE EXISTS (SELECT FROM pg_catalog.aclexplode(pg_catalog.acldefault('r', r.relowner)) d
                        WHERE NOT EXISTS (SELECT FROM pg_catalog.aclexplode(r.acl) a
                                           WHERE a.grantee = r.relowner AND a.privilege_type = d.privilege_type))
        UNION
        SELECT 3, pg_catalog.format('GRANT SELECT ON TABLE %s TO auth_store_auditor, auth_store_admin', r.oid::pg_catalog.regclass)
          FROM relation r
         WHERE r.relkind = 'v'
         ORDER BY 1, 2
    LOOP
        EXECUTE item.statement;
    END LOOP;
END
$$;
