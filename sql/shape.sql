-- The shape of the store in this database, one row a fact, in the end the table "fact":
--   object      the thing, as check() names it
--   key         the same in sql/shape.txt, where all partitions of a table are one
--   target      its name in ALTER and GRANT
--   part        what the fact is about: 'owner', 'column id', 'privileges of PUBLIC' …
--   definition  what it is
-- Other statements begin with this text. It wants the settings that src/schema pins, search_path, TimeZone, DateStyle
-- and quote_all_identifiers among them, because the server's own functions print definitions by them.
WITH schema AS (
    SELECT n.oid, n.nspowner, n.nspacl FROM pg_catalog.pg_namespace n WHERE n.nspname = 'auth_store'
),
extension_member AS (
    SELECT d.classid, d.objid, e.extname::text AS extension
      FROM pg_catalog.pg_depend d
      JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
     WHERE d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND d.deptype = 'e'
),
relation AS (
    SELECT c.oid, c.relname::text AS name, c.relkind, c.relispartition, c.relpersistence, c.relacl, c.relowner,
           c.reloptions, c.relrowsecurity, c.relforcerowsecurity, c.relam, p.parent,
           word.word || ' ' || c.relname AS object,
           COALESCE('partition of ' || p.parent, word.word || ' ' || c.relname) AS key,
           pg_catalog.format('%s auth_store.%I', pg_catalog.upper(word.word), c.relname) AS target
      FROM pg_catalog.pg_class c
           CROSS JOIN LATERAL (SELECT CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view'
                                                     WHEN 'S' THEN 'sequence' WHEN 'f' THEN 'foreign table'
                                                     ELSE 'table' END) word (word)
           -- A partition that the store made: by its parent and by its name.
           LEFT JOIN LATERAL (
               SELECT pc.relname::text
                 FROM pg_catalog.pg_inherits i
                 JOIN pg_catalog.pg_class pc ON pc.oid = i.inhparent
                WHERE i.inhrelid = c.oid AND c.relispartition AND c.relkind = 'r' AND pc.relnamespace = c.relnamespace
                  AND c.relname ~ ('^' || pc.relname || '_y[0-9]{4,}(m[0-9]{2}(d[0-9]{2}(h[0-9]{2})?)?)?$')
           ) p (parent) ON true
     WHERE c.relnamespace = (SELECT s.oid FROM schema s) AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
),
routine AS (
    SELECT 'function ' || p.oid::pg_catalog.regprocedure::text AS object,
           'ROUTINE ' || p.oid::pg_catalog.regprocedure::text AS target, p.*
      FROM pg_catalog.pg_proc p
     WHERE p.pronamespace = (SELECT s.oid FROM schema s)
),
composite AS (
    SELECT t.oid, t.typrelid, t.typacl, t.typowner, 'type ' || t.typname AS object,
           pg_catalog.format('TYPE auth_store.%I', t.typname) AS target
      FROM pg_catalog.pg_type t
      JOIN pg_catalog.pg_class c ON c.oid = t.typrelid AND c.relkind = 'c'
     WHERE t.typnamespace = (SELECT s.oid FROM schema s)
),
guard AS (
    SELECT e.*, 'event trigger ' || e.evtname AS object, 'EVENT TRIGGER ' || e.evtname AS target
      FROM pg_catalog.pg_event_trigger e
     WHERE e.evtname = 'auth_store_guard'
),
store_role AS (
    SELECT r.*, 'role ' || r.rolname AS object
      FROM pg_catalog.pg_roles r
     WHERE r.rolname IN ('auth_store_owner', 'auth_store_app', 'auth_store_reader', 'auth_store_verifier',
                         'auth_store_worker', 'auth_store_jobs', 'auth_store_monitor', 'auth_store_developer',
                         'auth_store_admin', 'auth_store_auditor', 'auth_store_view')
),
-- The role that installs is a superuser of any name.
owner_name AS (
    SELECT r.oid, CASE WHEN r.rolname IN ('auth_store_owner', 'auth_store_view') THEN r.rolname::text
                       WHEN r.rolsuper THEN 'a superuser' ELSE r.rolname::text END AS name
      FROM pg_catalog.pg_roles r
),
acl AS (
    SELECT r.object, r.key, r.target, r.relowner AS owner, a.grantee, a.privilege_type, '' AS part, a.is_grantable
      FROM relation r
           CROSS JOIN pg_catalog.aclexplode(COALESCE(r.relacl,
               pg_catalog.acldefault(CASE r.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", r.relowner))) a
    UNION ALL
    SELECT r.object, r.key, r.target, r.relowner, a.grantee, a.privilege_type, pg_catalog.format(' (%I)', c.attname),
           a.is_grantable
      FROM relation r JOIN pg_catalog.pg_attribute c ON c.attrelid = r.oid AND NOT c.attisdropped
           CROSS JOIN pg_catalog.aclexplode(c.attacl) a
    UNION ALL
    SELECT f.object, f.object, f.target, f.proowner, a.grantee, a.privilege_type, '', a.is_grantable
      FROM routine f CROSS JOIN pg_catalog.aclexplode(COALESCE(f.proacl, pg_catalog.acldefault('f', f.proowner))) a
    UNION ALL
    SELECT t.object, t.object, t.target, t.typowner, a.grantee, a.privilege_type, '', a.is_grantable
      FROM composite t CROSS JOIN pg_catalog.aclexplode(COALESCE(t.typacl, pg_catalog.acldefault('T', t.typowner))) a
    UNION ALL
    SELECT 'schema auth_store', 'schema auth_store', 'SCHEMA auth_store', s.nspowner, a.grantee, a.privilege_type, '',
           a.is_grantable
      FROM schema s CROSS JOIN pg_catalog.aclexplode(COALESCE(s.nspacl, pg_catalog.acldefault('n', s.nspowner))) a
),
raw_fact (object, key, target, part, definition) AS (
    -- owners and privileges
    SELECT o.object, o.key, o.target, 'owner', COALESCE(n.name, 'nobody')
      FROM (SELECT r.object, r.key, r.target, r.relowner FROM relation r
            UNION ALL SELECT f.object, f.object, f.target, f.proowner FROM routine f
            UNION ALL SELECT t.object, t.object, t.target, t.typowner FROM composite t
            UNION ALL SELECT e.object, e.object, e.target, e.evtowner FROM guard e
            UNION ALL SELECT 'schema auth_store', 'schema auth_store', 'SCHEMA auth_store', s.nspowner FROM schema s
           ) o (object, key, target, owner)
           LEFT JOIN owner_name n ON n.oid = o.owner
    UNION ALL
    SELECT a.object, a.key, a.target, 'privileges of ' || g.grantee,
           pg_catalog.string_agg(DISTINCT a.privilege_type || a.part
               || CASE WHEN a.is_grantable AND a.grantee <> a.owner THEN ' WITH GRANT OPTION' ELSE '' END, ', ')
      FROM acl a
           CROSS JOIN LATERAL (
               SELECT CASE a.grantee WHEN 0 THEN 'PUBLIC' WHEN a.owner THEN 'its owner'
                                     ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)::text) END
           ) g (grantee)
     WHERE NOT (a.privilege_type = 'MAINTAIN' AND a.grantee = a.owner) -- from PostgreSQL 17 on
     GROUP BY a.object, a.key, a.target, g.grantee
    UNION ALL
    -- tables
    SELECT r.object, r.key, r.target, 'kind',
           CASE r.relkind WHEN 'p' THEN 'partitioned by ' || pg_catalog.pg_get_partkeydef(r.oid) ELSE 'table' END
      FROM relation r WHERE r.relkind IN ('r', 'p')
    UNION ALL
    -- An ended partition is dropped by its name.
    SELECT r.object, r.key, r.target, 'bounds',
           CASE WHEN t.bounds[2]::timestamptz = t.bounds[1]::timestamptz + period.length
                     AND r.name = r.parent || '_' || pg_catalog.to_char(t.bounds[1]::timestamptz, period.format)
                THEN 'those of its name' ELSE b.text END
      FROM relation r
      JOIN pg_catalog.pg_class c ON c.oid = r.oid
           CROSS JOIN LATERAL (SELECT pg_catalog.pg_get_expr(c.relpartbound, c.oid)) b (text)
           LEFT JOIN LATERAL pg_catalog.regexp_match(b.text,
               'FROM \(''([0-9][^'']*)''\) TO \(''([0-9][^'']*)''\)') t (bounds) ON true
           CROSS JOIN LATERAL (
               SELECT CASE WHEN r.name ~ 'h[0-9]+$' THEN '1 hour' WHEN r.name ~ 'd[0-9]+$' THEN '1 day'
                           ELSE '1 month' END::interval,
                      CASE WHEN r.name ~ 'h[0-9]+$' THEN '"y"YYYY"m"MM"d"DD"h"HH24'
                           WHEN r.name ~ 'd[0-9]+$' THEN '"y"YYYY"m"MM"d"DD' ELSE '"y"YYYY"m"MM' END
           ) period (length, format)
     WHERE r.parent IS NOT NULL
    UNION ALL
    SELECT r.object, r.key, r.target, 'storage',
           CASE r.relpersistence WHEN 'p' THEN 'logged' WHEN 'u' THEN 'unlogged' ELSE 'temporary' END
           || COALESCE(', ' || (SELECT m.amname FROM pg_catalog.pg_am m WHERE m.oid = r.relam), '')
      FROM relation r WHERE r.relkind IN ('r', 'p')
    UNION ALL
    -- More than is needed is a publisher's own affair.
    SELECT r.object, r.key, r.target, 'replica identity',
           CASE WHEN c.relreplident = 'f'
                     OR EXISTS (SELECT FROM pg_catalog.pg_index i
                                 WHERE i.indrelid = r.oid
                                   AND CASE c.relreplident WHEN 'd' THEN i.indisprimary WHEN 'i' THEN i.indisreplident
                                            ELSE false END)
                THEN 'enough to publish a deletion' ELSE 'too little to publish a deletion' END
      FROM relation r JOIN pg_catalog.pg_class c ON c.oid = r.oid WHERE r.relkind IN ('r', 'p')
    UNION ALL
    SELECT r.object, r.key, r.target, 'row-level security',
           CASE WHEN r.relrowsecurity THEN 'on' ELSE 'off' END
           || CASE WHEN r.relforcerowsecurity THEN ', forced' ELSE ', not forced' END
      FROM relation r WHERE r.relkind IN ('r', 'p')
    UNION ALL
    SELECT r.object, r.key, r.target, 'column ' || a.attname,
           pg_catalog.format_type(a.atttypid, a.atttypmod)
           || COALESCE(' COLLATE ' || (SELECT pg_catalog.format('%I.%I', n.nspname, l.collname)
                                         FROM pg_catalog.pg_collation l
                                         JOIN pg_catalog.pg_namespace n ON n.oid = l.collnamespace
                                        WHERE l.oid = a.attcollation AND l.oid <> t.typcollation), '')
           || CASE WHEN a.attnotnull AND NOT EXISTS (
                       SELECT FROM pg_catalog.pg_constraint k
                        WHERE k.conrelid = r.oid AND k.contype = 'n' AND k.conkey = ARRAY[a.attnum]
                          AND NOT k.convalidated)
                   THEN ' NOT NULL' ELSE '' END
           || CASE WHEN a.attgenerated <> ''
                   THEN pg_catalog.format(' GENERATED ALWAYS AS (%s)', pg_catalog.pg_get_expr(d.adbin, d.adrelid))
                   ELSE COALESCE(' DEFAULT ' || pg_catalog.pg_get_expr(d.adbin, d.adrelid), '') END
           || CASE WHEN a.attidentity <> '' THEN ' GENERATED AS IDENTITY' ELSE '' END
      FROM relation r
      JOIN pg_catalog.pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
      JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
      LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = r.oid AND d.adnum = a.attnum
     WHERE r.relkind IN ('r', 'p')
    UNION ALL
    SELECT r.object, r.key, r.target, 'constraint ' || k.conname,
           pg_catalog.pg_get_constraintdef(k.oid)
           || CASE WHEN i.indexrelid IS NOT NULL
                        AND NOT (i.indisvalid AND i.indisready AND i.indislive AND (i.indisunique OR k.contype = 'x'))
                   THEN ', with an invalid index' ELSE '' END
      FROM relation r
      JOIN pg_catalog.pg_constraint k ON k.conrelid = r.oid AND k.contype IN ('p', 'u', 'c', 'f', 'x')
      LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = k.conindid AND k.contype IN ('p', 'u', 'x')
    UNION ALL
    -- Storage parameters are the administrator's to tune.
    SELECT r.object, r.key, r.target, 'index ' || c.relname,
           pg_catalog.regexp_replace(pg_catalog.pg_get_indexdef(i.indexrelid), ' WITH \([^)]*\)', '')
           || CASE WHEN i.indisvalid AND i.indisready AND i.indislive THEN '' ELSE ', invalid' END
      FROM relation r
      JOIN pg_catalog.pg_index i ON i.indrelid = r.oid
      JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
     WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_constraint k
                        WHERE k.conrelid = r.oid AND k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x'))
    UNION ALL
    SELECT r.object, r.key, r.target, 'policy ' || p.polname,
           pg_catalog.format('%s FOR %s TO %s%s%s', CASE WHEN p.polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
               CASE p.polcmd WHEN '*' THEN 'ALL' WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE'
                    ELSE 'DELETE' END,
               (SELECT pg_catalog.string_agg(
                           CASE m.oid WHEN 0 THEN 'PUBLIC'
                                      ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(m.oid)::text) END, ', ')
                  FROM pg_catalog.unnest(p.polroles) m (oid)),
               ' USING (' || pg_catalog.pg_get_expr(p.polqual, p.polrelid) || ')',
               ' WITH CHECK (' || pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid) || ')')
      FROM relation r JOIN pg_catalog.pg_policy p ON p.polrelid = r.oid
    UNION ALL
    SELECT r.object, r.key, r.target, 'trigger ' || t.tgname,
           pg_catalog.pg_get_triggerdef(t.oid)
           || CASE t.tgenabled WHEN 'O' THEN '' WHEN 'A' THEN ', always' WHEN 'R' THEN ', on a replica only'
                   ELSE ', disabled' END
      FROM relation r JOIN pg_catalog.pg_trigger t ON t.tgrelid = r.oid
     WHERE NOT t.tgisinternal AND t.tgparentid = 0
    UNION ALL
    SELECT r.object, r.key, r.target, 'rule ' || w.rulename, pg_catalog.pg_get_ruledef(w.oid)
      FROM relation r JOIN pg_catalog.pg_rewrite w ON w.ev_class = r.oid
     WHERE NOT (r.relkind IN ('v', 'm') AND w.rulename = '_RETURN')
    UNION ALL
    -- views. PostgreSQL 15 writes a table's alias before each column, later ones do so where there is a choice.
    SELECT r.object, r.key, r.target, 'definition', pg_catalog.regexp_replace(d.text, '\m[a-z]\.', '', 'g')
      FROM relation r CROSS JOIN LATERAL (SELECT pg_catalog.pg_get_viewdef(r.oid)) d (text)
     WHERE r.relkind = 'v'
    UNION ALL
    SELECT r.object, r.key, r.target, 'options',
           COALESCE((SELECT pg_catalog.string_agg(o, ', ' ORDER BY o COLLATE "C")
                       FROM pg_catalog.unnest(r.reloptions) o), 'none')
      FROM relation r WHERE r.relkind = 'v'
    UNION ALL
    -- types
    SELECT t.object, t.object, t.target, 'attributes',
           (SELECT pg_catalog.string_agg(a.attname || ' ' || pg_catalog.format_type(a.atttypid, a.atttypmod)
                       || CASE WHEN a.attcollation <> b.typcollation
                               THEN ' COLLATE ' || a.attcollation::pg_catalog.regcollation::text ELSE '' END,
                       ', ' ORDER BY a.attnum)
              FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type b ON b.oid = a.atttypid
             WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped)
      FROM composite t
    UNION ALL
    -- functions. Cost and rows are the administrator's to tune.
    SELECT f.object, f.object, f.target, 'signature',
           pg_catalog.format('(%s)%s', pg_catalog.pg_get_function_arguments(f.oid),
               ' RETURNS ' || pg_catalog.pg_get_function_result(f.oid))
      FROM routine f WHERE f.prokind <> 'a'
    UNION ALL
    SELECT f.object, f.object, f.target, 'attributes',
           pg_catalog.concat_ws(' ',
               CASE f.prokind WHEN 'p' THEN 'PROCEDURE' WHEN 'f' THEN 'FUNCTION' WHEN 'a' THEN 'AGGREGATE'
                    ELSE 'WINDOW FUNCTION' END,
               CASE f.provolatile WHEN 'i' THEN 'IMMUTABLE' WHEN 's' THEN 'STABLE' ELSE 'VOLATILE' END,
               CASE WHEN f.proisstrict THEN 'STRICT' END,
               CASE WHEN f.proleakproof THEN 'LEAKPROOF' END,
               CASE WHEN f.prosecdef THEN 'SECURITY DEFINER' ELSE 'SECURITY INVOKER' END,
               CASE f.proparallel WHEN 's' THEN 'PARALLEL SAFE' WHEN 'r' THEN 'PARALLEL RESTRICTED'
                    ELSE 'PARALLEL UNSAFE' END,
               CASE WHEN f.prosupport <> 0 THEN 'SUPPORT ' || f.prosupport::pg_catalog.regproc::text END)
      FROM routine f
    UNION ALL
    SELECT f.object, f.object, f.target, 'body',
           l.lanname || ' ' || CASE l.lanname
               WHEN 'c' THEN pg_catalog.concat_ws(' in ', f.prosrc,
                   pg_catalog.regexp_replace(f.probin, '^\$libdir/', ''))
               WHEN 'internal' THEN f.prosrc
               ELSE pg_catalog.md5(f.prosrc || COALESCE(pg_catalog.pg_get_function_sqlbody(f.oid), '')) END
      FROM routine f JOIN pg_catalog.pg_language l ON l.oid = f.prolang
    UNION ALL
    -- CREATE FUNCTION under quote_all_identifiers has kept the quotes.
    SELECT f.object, f.object, f.target, 'configuration',
           COALESCE(pg_catalog.regexp_replace(pg_catalog.array_to_string(f.proconfig, '; '),
                                              '"([a-z_][a-z0-9_]*)"', '\1', 'g'), 'none')
      FROM routine f
    UNION ALL
    SELECT o.object, o.object, o.target, 'extension',
           COALESCE((SELECT pg_catalog.string_agg(m.extension, ', ') FROM extension_member m
                      WHERE m.classid = o.classid AND m.objid = o.oid), 'none')
      FROM (SELECT f.object, f.target, 'pg_catalog.pg_proc'::pg_catalog.regclass, f.oid FROM routine f
            UNION ALL SELECT t.object, t.target, 'pg_catalog.pg_type'::pg_catalog.regclass, t.oid FROM composite t
           ) o (object, target, classid, oid)
    UNION ALL
    -- the event trigger
    SELECT e.object, e.object, e.target, w.part, w.definition
      FROM guard e
           CROSS JOIN LATERAL (VALUES
               ('definition',
                   pg_catalog.format('%s WHEN TAG IN (%s) EXECUTE FUNCTION %s', e.evtevent,
                       pg_catalog.array_to_string(e.evttags, ', '), e.evtfoid::pg_catalog.regprocedure)),
               ('firing', CASE e.evtenabled WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'on a replica only'
                               ELSE 'enabled' END),
               ('extension', COALESCE((SELECT pg_catalog.string_agg(m.extension, ', ') FROM extension_member m
                                        WHERE m.classid = 'pg_catalog.pg_event_trigger'::pg_catalog.regclass
                                          AND m.objid = e.oid), 'none'))) w (part, definition)
    UNION ALL
    -- roles
    SELECT r.object, r.object, 'ROLE ' || r.rolname, 'attributes',
           pg_catalog.concat_ws(' ',
               CASE WHEN r.rolsuper THEN 'SUPERUSER' ELSE 'NOSUPERUSER' END,
               CASE WHEN r.rolcreatedb THEN 'CREATEDB' ELSE 'NOCREATEDB' END,
               CASE WHEN r.rolcreaterole THEN 'CREATEROLE' ELSE 'NOCREATEROLE' END,
               CASE WHEN r.rolinherit THEN 'INHERIT' ELSE 'NOINHERIT' END,
               CASE WHEN r.rolcanlogin THEN 'LOGIN' ELSE 'NOLOGIN' END,
               CASE WHEN r.rolreplication THEN 'REPLICATION' ELSE 'NOREPLICATION' END,
               CASE WHEN r.rolbypassrls THEN 'BYPASSRLS' ELSE 'NOBYPASSRLS' END)
      FROM store_role r
    UNION ALL
    SELECT r.object, r.object, 'ROLE ' || r.rolname, 'membership in ' || pg_catalog.quote_ident(g.rolname::text),
           'granted'
      FROM store_role r
      JOIN pg_catalog.pg_auth_members m ON m.member = r.oid
      JOIN pg_catalog.pg_roles g ON g.oid = m.roleid
    UNION ALL
    SELECT r.object, r.object, 'ROLE ' || r.rolname, 'member ' || pg_catalog.quote_ident(g.rolname::text), 'granted'
      FROM store_role r
      JOIN pg_catalog.pg_auth_members m ON m.roleid = r.oid
      JOIN pg_catalog.pg_roles g ON g.oid = m.member
     WHERE r.rolname IN ('auth_store_owner', 'auth_store_view')
),
-- A partition's own name stands as {} in what is compared.
fact AS (
    SELECT f.object, f.key, f.target, COALESCE(r.name, '') AS partition,
           CASE WHEN r.name IS NULL THEN f.part ELSE pg_catalog.replace(f.part, r.name, '{}') END AS part,
           pg_catalog.regexp_replace(CASE WHEN r.name IS NULL THEN f.definition
                                          ELSE pg_catalog.replace(f.definition, r.name, '{}') END,
                                     '\s+', ' ', 'g') AS definition
      FROM raw_fact f
      LEFT JOIN relation r ON r.object = f.object AND r.parent IS NOT NULL
)
