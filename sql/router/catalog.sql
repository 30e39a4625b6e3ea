-- What router_sql() has to know of this database, as one document: the functions, types, views and roles of the store,
-- and who logs in with them. Names are quoted where a statement needs that. Privileges are those of the store's roles:
-- other roles need not be there on the router.
SELECT pg_catalog.jsonb_build_object(
    'version', (SELECT e.extversion FROM pg_catalog.pg_extension e WHERE e.extname = 'auth_store'),
    'functions', (
        SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
                   'name', p.proname,
                   'symbol', p.prosrc,
                   'volatility', CASE p.provolatile WHEN 'i' THEN 'IMMUTABLE' WHEN 's' THEN 'STABLE'
                                                    ELSE 'VOLATILE' END,
                   'arguments', COALESCE((
                       SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
                                  'name', pg_catalog.quote_ident(a.name),
                                  'type', CASE t.typtype WHEN 'p' THEN 'jsonb'
                                                         ELSE pg_catalog.format_type(a.type, NULL) END,
                                  'preset', pg_catalog.pg_get_function_arg_default(p.oid, a.n::integer))
                              ORDER BY a.n)
                         FROM ROWS FROM (pg_catalog.unnest(p.proargtypes::pg_catalog.oid[]),
                                         pg_catalog.unnest(p.proargnames[1:p.pronargs]))
                              WITH ORDINALITY a (type, name, n)
                         JOIN pg_catalog.pg_type t ON t.oid = a.type), '[]'),
                   'result', pg_catalog.format_type(p.prorettype, NULL),
                   'row', (SELECT c.relname FROM pg_catalog.pg_type t JOIN pg_catalog.pg_class c ON c.oid = t.typrelid
                            WHERE t.oid = p.prorettype AND c.relnamespace = p.pronamespace),
                   'is_set', p.proretset,
                   'may', COALESCE((
                       SELECT pg_catalog.jsonb_agg(pg_catalog.quote_ident(r.rolname) ORDER BY r.rolname COLLATE "C")
                         FROM pg_catalog.aclexplode(p.proacl) g
                         JOIN pg_catalog.pg_roles r ON r.oid = g.grantee
                        WHERE g.grantee <> p.proowner AND g.privilege_type = 'EXECUTE'
                          AND r.rolname LIKE 'auth\_store\_%' AND NOT r.rolcanlogin), '[]'))
               ORDER BY p.proname COLLATE "C")
          FROM pg_catalog.pg_proc p
          JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = p.oid
                                     AND d.deptype = 'e'
          JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid AND e.extname = 'auth_store'
         WHERE d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass),
    'rows', (
        SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
                   'name', c.relname,
                   'is_view', c.relkind = 'v',
                   'columns', (SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
                                          'name', pg_catalog.quote_ident(a.attname),
                                          'type', pg_catalog.format_type(a.atttypid, a.atttypmod))
                                      ORDER BY a.attnum)
                                 FROM pg_catalog.pg_attribute a
                                WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
                   'may', COALESCE((
                       SELECT pg_catalog.jsonb_agg(pg_catalog.quote_ident(r.rolname) ORDER BY r.rolname COLLATE "C")
                         FROM pg_catalog.aclexplode(c.relacl) g
                         JOIN pg_catalog.pg_roles r ON r.oid = g.grantee
                        WHERE g.grantee <> c.relowner AND g.privilege_type = 'SELECT'
                          AND r.rolname LIKE 'auth\_store\_%' AND NOT r.rolcanlogin), '[]'))
               ORDER BY c.relname COLLATE "C")
          FROM pg_catalog.pg_class c
         WHERE c.relnamespace = 'auth_store'::pg_catalog.regnamespace AND c.relkind IN ('c', 'v')),
    'roles', (
        SELECT pg_catalog.jsonb_agg(pg_catalog.quote_ident(r.rolname) ORDER BY r.rolname COLLATE "C")
          FROM pg_catalog.pg_roles r WHERE r.rolname LIKE 'auth\_store\_%' AND NOT r.rolcanlogin),
    -- Who logs in with privileges of the store's roles, and is pinned to which tenant in this database: what is set for
    -- the role in the database comes before the role's own, and that before the database's.
    'logins', COALESCE((
        SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
                   'name', pg_catalog.quote_ident(r.rolname),
                   'of', m.roles,
                   'pin', (SELECT pg_catalog.substr(c.setting, pg_catalog.strpos(c.setting, '=') + 1)
                             FROM pg_catalog.pg_db_role_setting s
                                  CROSS JOIN pg_catalog.unnest(s.setconfig) c (setting)
                            WHERE s.setrole IN (0, r.oid)
                              AND s.setdatabase IN (0, (SELECT b.oid FROM pg_catalog.pg_database b
                                                         WHERE b.datname = pg_catalog.current_database()))
                              AND pg_catalog.lower(c.setting) ~ '^auth_store\.tenant_id=.'
                            ORDER BY s.setrole = 0, s.setdatabase = 0
                            LIMIT 1))
               ORDER BY r.rolname COLLATE "C")
          FROM pg_catalog.pg_roles r
               CROSS JOIN LATERAL (
                   SELECT pg_catalog.jsonb_agg(pg_catalog.quote_ident(s.rolname) ORDER BY s.rolname COLLATE "C")
                     FROM pg_catalog.pg_roles s
                    WHERE s.rolname LIKE 'auth\_store\_%' AND NOT s.rolcanlogin
                      AND pg_catalog.pg_has_role(r.oid, s.oid, 'MEMBER')) m (roles)
         WHERE r.rolcanlogin AND NOT r.rolsuper AND m.roles IS NOT NULL), '[]'))
