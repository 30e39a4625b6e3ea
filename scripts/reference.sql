-- What scripts/reference prints, as one JSON document: run it in a database with the extension, on a server that
-- preloads the library. No version of PostgreSQL gives another. The caller sets two arrays: flags, those of the audit
-- trail, and conditions, the names by which the server knows SQLSTATEs.
SET search_path = auth_store;
CREATE FUNCTION pg_temp.sqlstate_of(condition text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = condition;
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE;
END
$$;
-- The library itself lists its events, to whoever asks for one of them.
CREATE FUNCTION pg_temp.events() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    hint text;
BEGIN
    PERFORM auth_store.audit_write('code.issued');
EXCEPTION WHEN invalid_parameter_value THEN
    GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
    RETURN hint;
END
$$;
SELECT auth_store.audit_write('reference.flag', flags => ARRAY[f.name]) FROM unnest(:'flags'::text[]) f (name)
\g /dev/null
WITH member AS (
    SELECT d.classid, d.objid
      FROM pg_depend d
      JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'auth_store'
     WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
),
role AS (
    SELECT r.oid, r.rolname AS name, r.rolbypassrls AS bypassrls, shobj_description(r.oid, 'pg_authid') AS comment,
           (SELECT json_agg(o.rolname ORDER BY o.rolname COLLATE "C")
              FROM pg_auth_members m JOIN pg_roles o ON o.oid = m.member WHERE m.roleid = r.oid) AS members
      FROM pg_roles r
     WHERE r.rolname LIKE 'auth\_store\_%'
),
routine AS (
    SELECT p.*
      FROM pg_proc p
      JOIN member m ON m.classid = 'pg_proc'::regclass AND m.objid = p.oid
),
argument AS (
    SELECT r.oid, a.n, a.name, quote_ident(a.name) AS quoted, format_type(a.type, NULL) AS type,
           pg_get_function_arg_default(r.oid, a.n::integer) AS preset
      FROM routine r
           CROSS JOIN unnest(r.proargtypes::oid[], r.proargnames[:r.pronargs]) WITH ORDINALITY a (type, name, n)
),
relation AS (
    SELECT c.*
      FROM pg_class c
     WHERE c.relnamespace = 'auth_store'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'c') AND NOT c.relispartition
),
attribute AS (
    SELECT a.attrelid, a.attnum AS n, a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type,
           a.attnotnull AS required, pg_get_expr(d.adbin, d.adrelid) AS preset,
           col_description(a.attrelid, a.attnum) AS comment
      FROM pg_attribute a
      JOIN relation r ON r.oid = a.attrelid
      LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
     WHERE a.attnum > 0 AND NOT a.attisdropped
),
-- What a role may, however it comes by that: its own grant, PUBLIC's, another role's that it is in. Not what an owner
-- may.
may (kind, object, "column", grantee, privilege) AS (
    SELECT 'schema', 'auth_store', NULL, g.name, x.privilege
      FROM role g CROSS JOIN unnest(ARRAY['USAGE', 'CREATE']) x (privilege)
     WHERE has_schema_privilege(g.oid, 'auth_store', x.privilege)
    UNION ALL
    SELECT CASE r.prokind WHEN 'p' THEN 'procedure' ELSE 'function' END, r.proname, NULL, g.name, 'EXECUTE'
      FROM routine r CROSS JOIN role g
     WHERE g.oid <> r.proowner AND has_function_privilege(g.oid, r.oid, 'EXECUTE')
    UNION ALL
    SELECT CASE r.relkind WHEN 'v' THEN 'view' ELSE 'table' END, r.relname, NULL, g.name, x.privilege
      FROM relation r
      JOIN role g ON g.oid <> r.relowner
           CROSS JOIN (SELECT unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER'])
                       UNION ALL
                       SELECT 'MAINTAIN' WHERE current_setting('server_version_num')::integer >= 170000) x (privilege)
     WHERE r.relkind <> 'c' AND has_table_privilege(g.oid, r.oid, x.privilege)
    UNION ALL
    SELECT CASE r.relkind WHEN 'v' THEN 'view' ELSE 'table' END, r.relname, a.name, g.name, x.privilege
      FROM relation r
      JOIN attribute a ON a.attrelid = r.oid
      JOIN role g ON g.oid <> r.relowner
           CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'REFERENCES']) x (privilege)
     WHERE r.relkind <> 'c' AND has_column_privilege(g.oid, r.oid, a.n, x.privilege)
       AND NOT has_table_privilege(g.oid, r.oid, x.privilege)
)
SELECT json_build_object(
    'functions', (
        SELECT json_agg(json_build_object(
                   'name', r.proname,
                   'comment', obj_description(r.oid, 'pg_proc'),
                   'arguments', (SELECT json_agg(to_json(a) ORDER BY a.n) FROM argument a WHERE a.oid = r.oid),
                   'returns', pg_get_function_result(r.oid),
                   'volatility', CASE r.provolatile WHEN 'i' THEN 'immutable' WHEN 's' THEN 'stable'
                                                    ELSE 'volatile' END,
                   'definer', r.prosecdef,
                   'parallel', CASE r.proparallel WHEN 's' THEN 'safe' WHEN 'r' THEN 'restricted' ELSE 'unsafe' END))
          FROM routine r),
    'relations', (
        SELECT json_agg(json_build_object(
                   'kind', CASE r.relkind WHEN 'v' THEN 'view' WHEN 'c' THEN 'type' ELSE 'table' END,
                   'name', r.relname,
                   'comment', CASE r.relkind WHEN 'c' THEN obj_description(r.reltype, 'pg_type')
                                             ELSE obj_description(r.oid, 'pg_class') END,
                   'columns', (SELECT json_agg(to_json(a) ORDER BY a.n) FROM attribute a WHERE a.attrelid = r.oid),
                   'partitioned', CASE r.relkind WHEN 'p' THEN pg_get_partkeydef(r.oid) END,
                   'is_unlogged', r.relpersistence = 'u',
                   -- NOT NULL, which is a constraint from PostgreSQL 18 on, stands with the column.
                   'constraints', (SELECT json_agg(json_build_object('name', c.conname,
                                                                     'definition', pg_get_constraintdef(c.oid),
                                                                     'comment', obj_description(c.oid, 'pg_constraint'))
                                                   ORDER BY strpos('pufcx', c.contype), c.conname)
                                     FROM pg_constraint c WHERE c.conrelid = r.oid AND c.contype <> 'n'),
                   'indexes', (SELECT json_agg(json_build_object('name', (SELECT relname FROM pg_class x
                                                                          WHERE x.oid = i.indexrelid),
                                                                 'definition', pg_get_indexdef(i.indexrelid),
                                                                 'comment', obj_description(i.indexrelid, 'pg_class'))
                                               ORDER BY i.indexrelid::regclass::text COLLATE "C")
                                 FROM pg_index i
                                WHERE i.indrelid = r.oid
                                  AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid
                                                     AND c.contype IN ('p', 'u', 'x'))))
               ORDER BY r.relname COLLATE "C")
          FROM relation r),
    'settings', (
        SELECT json_agg(to_json(s) ORDER BY s.name)
          FROM (SELECT name, vartype, unit, boot_val, min_val, max_val, context, short_desc, extra_desc
                  FROM pg_settings WHERE name LIKE 'auth\_store.%') s),
    'roles', (SELECT json_agg(to_json(r) ORDER BY r.oid) FROM role r),
    'privileges', (SELECT json_agg(to_json(m)) FROM may m),
    'events', pg_temp.events(),
    'risks', (SELECT json_object_agg(a.flags[1], a.risk_score::text)
                FROM recent_activity a WHERE a.event = 'reference.flag'),
    'states', (SELECT json_object_agg(c.name, pg_temp.sqlstate_of(c.name)) FROM unnest(:'conditions'::text[]) c (name)))
