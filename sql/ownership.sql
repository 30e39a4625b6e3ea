-- auth_store_owner owns every table and partition of the store, auth_store_view every view. No other role may touch a
-- table directly; the auditor and the administrator read the views, a monitor some of them. auth_store_view, which no
-- policy binds, reads the columns that the views read. It does not get a view that lacks the tenant pin, such as the
-- views of 0.1.0 before their migration. The administrator may refer to the keys of tenants, clients and users, and so
-- may any role that was granted it. Any other privilege, granted by hand or by default privileges, is taken back.
DO $$
DECLARE
    item record;
BEGIN
    FOR item IN
        SELECT c.oid::pg_catalog.regclass AS name, c.relkind, w.owner
          FROM pg_catalog.pg_class c
               CROSS JOIN LATERAL (
                   SELECT CASE WHEN c.relkind = 'v' AND c.reloptions @> '{security_barrier=true}'
                                   THEN 'auth_store_view' ELSE 'auth_store_owner' END) w (owner)
         WHERE c.relnamespace = 'auth_store'::pg_catalog.regnamespace
           AND c.relkind IN ('r', 'p', 'v')
           AND pg_catalog.pg_get_userbyid(c.relowner) <> w.owner
    LOOP
        EXECUTE pg_catalog.format('ALTER %s %s OWNER TO %I',
            CASE item.relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END, item.name, item.owner);
    END LOOP;
    FOR item IN
        WITH relation AS (
            SELECT c.oid, c.relkind, c.relowner, COALESCE(c.relacl, pg_catalog.acldefault('r', c.relowner)) AS acl
              FROM pg_catalog.pg_class c
             WHERE c.relnamespace = 'auth_store'::pg_catalog.regnamespace
               AND c.relkind IN ('r', 'p', 'v')
        ),
        reader AS (
            SELECT v.oid, p.oid AS role, p.rolname
              FROM relation v
              JOIN pg_catalog.pg_roles p
                   ON p.rolname IN ('auth_store_auditor', 'auth_store_admin')
                      OR p.rolname = 'auth_store_monitor'
                         AND v.oid IN (SELECT pg_catalog.to_regclass('auth_store.' || m.name)::pg_catalog.oid
                                         FROM (VALUES ('alerts'), ('jobs'), ('progress'), ('stats')) m (name))
             WHERE v.relkind = 'v'
        ),
        -- the columns that auth_store_view's views read
        viewed AS (
            SELECT d.refobjid AS oid, d.refobjsubid AS attnum
              FROM pg_catalog.pg_class c
              JOIN pg_catalog.pg_rewrite w ON w.ev_class = c.oid
              JOIN pg_catalog.pg_depend d
                   ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.objid = w.oid
             WHERE c.relnamespace = 'auth_store'::pg_catalog.regnamespace AND c.relkind = 'v'
               AND c.relowner = 'auth_store_view'::pg_catalog.regrole
               AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjsubid > 0
        ),
        -- what a foreign key of an application refers to
        referable AS (
            SELECT r.oid, a.attnum, a.attname
              FROM (VALUES ('tenants', 'id'), ('clients', 'id'), ('clients', 'tenant_id'),
                           ('users', 'id'), ('users', 'tenant_id')) k (relation, attribute)
              JOIN relation r
                   ON r.oid = pg_catalog.to_regclass('auth_store.' || k.relation)::pg_catalog.oid AND r.relkind = 'r'
              JOIN pg_catalog.pg_attribute a ON a.attrelid = r.oid AND a.attname = k.attribute
        ),
        granted AS (
            SELECT r.oid, r.relkind, a.grantee, a.privilege_type, a.is_grantable, 0 AS attnum
              FROM relation r CROSS JOIN pg_catalog.aclexplode(r.acl) a
             WHERE a.grantee <> r.relowner
            UNION ALL
            SELECT r.oid, r.relkind, a.grantee, a.privilege_type, a.is_grantable, c.attnum
              FROM relation r
              JOIN pg_catalog.pg_attribute c ON c.attrelid = r.oid AND NOT c.attisdropped
                   CROSS JOIN pg_catalog.aclexplode(c.attacl) a
             WHERE a.grantee <> r.relowner
        ),
        excess AS (
            SELECT g.oid,
                   CASE g.grantee WHEN 0 THEN 'PUBLIC'
                                  ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(g.grantee)::text)
                                  END AS grantee
              FROM granted g
             WHERE NOT (g.privilege_type = 'SELECT' AND NOT g.is_grantable AND g.attnum = 0
                        AND EXISTS (SELECT FROM reader r WHERE r.oid = g.oid AND r.role = g.grantee))
               AND NOT (g.privilege_type = 'SELECT' AND NOT g.is_grantable
                        AND g.grantee = 'auth_store_view'::pg_catalog.regrole
                        AND EXISTS (SELECT FROM viewed v WHERE v.oid = g.oid AND v.attnum = g.attnum))
               AND NOT (g.privilege_type = 'REFERENCES'
                        AND EXISTS (SELECT FROM referable k WHERE k.oid = g.oid AND k.attnum = g.attnum))
        )
        SELECT 1 AS step,
               pg_catalog.format('REVOKE ALL ON TABLE %s FROM %s CASCADE', e.oid::pg_catalog.regclass,
                   e.grantee) AS statement
          FROM excess e
        UNION
        SELECT 2, pg_catalog.format('GRANT ALL ON TABLE %s TO %I', r.oid::pg_catalog.regclass,
            pg_catalog.pg_get_userbyid(r.relowner))
          FROM relation r
         WHERE EXISTS (SELECT FROM pg_catalog.aclexplode(pg_catalog.acldefault('r', r.relowner)) d
                        WHERE NOT EXISTS (SELECT FROM pg_catalog.aclexplode(r.acl) a
                                           WHERE a.grantee = r.relowner AND a.privilege_type = d.privilege_type))
        UNION
        SELECT 3, pg_catalog.format('GRANT SELECT ON TABLE %s TO %I', r.oid::pg_catalog.regclass, r.rolname)
          FROM reader r
        UNION
        SELECT 3, pg_catalog.format('GRANT REFERENCES (%I) ON TABLE %s TO auth_store_admin', k.attname,
            k.oid::pg_catalog.regclass)
          FROM referable k
         WHERE NOT EXISTS (SELECT FROM granted g
                            WHERE g.oid = k.oid AND g.attnum = k.attnum AND g.privilege_type = 'REFERENCES'
                                                   AND g.grantee = 'auth_store_admin'::pg_catalog.regrole)
        UNION
        -- Revoking the rest revokes this too, and from the roles that it was passed on to.
        SELECT 4, pg_catalog.format('GRANT REFERENCES (%I) ON TABLE %s TO %s%s', k.attname, k.oid::pg_catalog.regclass,
                                    CASE g.grantee WHEN 0 THEN 'PUBLIC'
                                         ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(g.grantee)::text) END,
                                    CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
          FROM referable k
          JOIN granted g ON g.oid = k.oid AND g.attnum = k.attnum AND g.privilege_type = 'REFERENCES'
         WHERE EXISTS (SELECT FROM excess e WHERE e.oid = k.oid)
         ORDER BY 1, 2
    LOOP
        EXECUTE item.statement;
    END LOOP;
    FOR item IN
        SELECT DISTINCT a.attrelid::pg_catalog.regclass AS name, a.attname
          FROM pg_catalog.pg_class c
          JOIN pg_catalog.pg_rewrite w ON w.ev_class = c.oid
          JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.objid = w.oid
          JOIN pg_catalog.pg_class t ON t.oid = d.refobjid AND t.relkind IN ('r', 'p')
               AND t.relnamespace = c.relnamespace
          JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid AND a.attnum > 0
         WHERE c.relnamespace = 'auth_store'::pg_catalog.regnamespace AND c.relkind = 'v'
           AND c.relowner = 'auth_store_view'::pg_catalog.regrole
           AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
           AND NOT pg_catalog.has_column_privilege('auth_store_view', a.attrelid, a.attnum, 'SELECT')
    LOOP
        EXECUTE pg_catalog.format('GRANT SELECT (%I) ON %s TO auth_store_view', item.attname, item.name);
    END LOOP;
END
$$;
