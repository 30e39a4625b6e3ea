-- What check() reports: what is missing, foreign or altered. Comes after sql/shape.sql. The shipped shape is $1 (keys),
-- $2 (parts) and $3 (definitions); $4 says whether the library is preloaded.
, wanted AS (
    SELECT w.key, w.part, w.definition
      FROM ROWS FROM (pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::text[]), pg_catalog.unnest($3::text[]))
           w (key, part, definition)
),
wanted_key AS (SELECT DISTINCT w.key FROM wanted w),
present AS (
    SELECT DISTINCT f.object, f.key, f.target, f.partition FROM fact f
     WHERE EXISTS (SELECT FROM wanted_key w WHERE w.key = f.key)
),
-- All that differs, but privileges.
difference AS (
    SELECT p.object, p.target, p.partition <> '' AS in_partition, pg_catalog.replace(w.part, '{}', p.partition) AS part,
           pg_catalog.split_part(w.part, ' ', 1) AS kind,
           pg_catalog.substr(pg_catalog.replace(w.part, '{}', p.partition), pg_catalog.strpos(w.part, ' ') + 1) AS name,
           pg_catalog.replace(f.definition, '{}', p.partition) AS found,
           pg_catalog.replace(w.definition, '{}', p.partition) AS shipped
      FROM present p
      JOIN wanted w ON w.key = p.key AND w.part NOT LIKE 'privileges of %'
      LEFT JOIN fact f ON f.object = p.object AND f.part = w.part
     WHERE f.definition IS DISTINCT FROM w.definition
    UNION ALL
    SELECT p.object, p.target, p.partition <> '', pg_catalog.replace(f.part, '{}', p.partition),
           pg_catalog.split_part(f.part, ' ', 1),
           pg_catalog.substr(pg_catalog.replace(f.part, '{}', p.partition), pg_catalog.strpos(f.part, ' ') + 1),
           pg_catalog.replace(f.definition, '{}', p.partition), NULL
      FROM present p
      JOIN fact f ON f.object = p.object AND f.part NOT LIKE 'privileges of %'
     WHERE NOT EXISTS (SELECT FROM wanted w WHERE w.key = p.key AND w.part = f.part)
),
granted AS (
    SELECT p.object, p.target, pg_catalog.substr(f.part, 15) AS grantee, g.privilege
      FROM present p JOIN fact f ON f.object = p.object AND f.part LIKE 'privileges of %'
           CROSS JOIN pg_catalog.string_to_table(f.definition, ', ') g (privilege)
),
to_be_granted AS (
    SELECT p.object, p.target, pg_catalog.substr(w.part, 15) AS grantee, g.privilege
      FROM present p JOIN wanted w ON w.key = p.key AND w.part LIKE 'privileges of %'
           CROSS JOIN pg_catalog.string_to_table(w.definition, ', ') g (privilege)
),
-- What an application may add to a table of the store is a note; what the store does not survive is a problem.
finding (object, problem, hint, severity) AS (
    -- whole things
    SELECT w.key, 'missing',
           CASE WHEN w.key ~ '^(function|type|event trigger) '
                    THEN 'DROP EXTENSION auth_store CASCADE; CREATE EXTENSION auth_store; the tables keep their rows'
                ELSE 'SELECT auth_store.install()' END,
           'problem'
      FROM wanted_key w
     WHERE w.key !~ '^partition of ' AND NOT EXISTS (SELECT FROM fact f WHERE f.key = w.key)
    UNION ALL
    SELECT o.object, 'is none of the store''s', 'Move it to another schema',
           CASE d.classid WHEN 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass THEN 'note' ELSE 'problem' END
      FROM pg_catalog.pg_depend d
      JOIN schema s ON s.oid = d.refobjid
           CROSS JOIN LATERAL (
               SELECT COALESCE(
                   (SELECT r.object FROM relation r
                     WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND r.oid = d.objid),
                   (SELECT f.object FROM routine f
                     WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND f.oid = d.objid),
                   (SELECT t.object FROM composite t
                     WHERE (d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND t.typrelid = d.objid)
                        OR (d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass AND t.oid = d.objid)),
                   pg_catalog.pg_describe_object(d.classid, d.objid, d.objsubid))
           ) o (object)
     WHERE d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass AND d.deptype = 'n'
       AND NOT (d.classid = 'pg_catalog.pg_extension'::pg_catalog.regclass
                AND d.objid = (SELECT e.oid FROM pg_catalog.pg_extension e WHERE e.extname = 'auth_store'))
       AND NOT EXISTS (SELECT FROM present p WHERE p.object = o.object)
       -- a sequence of a column, which is named instead
       AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend c JOIN relation r ON r.oid = c.refobjid
                        WHERE c.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND c.objid = d.objid
                          AND d.classid = c.classid AND c.refclassid = c.classid AND c.refobjsubid > 0
                          AND c.deptype IN ('a', 'i') AND o.object LIKE 'sequence %')
    UNION ALL
    -- Also outside the store's schema: objects that read or replace a row in passing.
    SELECT pg_catalog.pg_describe_object('pg_catalog.pg_cast'::pg_catalog.regclass, k.oid, 0),
           'is none of the store''s', 'Drop it unless it is yours', 'note'
      FROM pg_catalog.pg_cast k
     WHERE EXISTS (SELECT FROM pg_catalog.pg_type t
                    WHERE t.typnamespace = (SELECT s.oid FROM schema s) AND t.oid IN (k.castsource, k.casttarget))
       AND NOT EXISTS (SELECT FROM extension_member m
                        WHERE m.classid = 'pg_catalog.pg_cast'::pg_catalog.regclass AND m.objid = k.oid)
    UNION ALL
    SELECT r.object, 'belongs to the extension ' || m.extension || ', and goes with it',
           pg_catalog.format('ALTER EXTENSION %I DROP %s', m.extension, r.target), 'problem'
      FROM relation r
      JOIN extension_member m ON m.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND m.objid = r.oid
    UNION ALL
    SELECT r.object,
           'has the child ' || i.inhrelid::pg_catalog.regclass::text || ', which is no partition of the store''s',
           pg_catalog.format(CASE WHEN r.relkind = 'p' THEN 'ALTER TABLE auth_store.%I DETACH PARTITION %s'
                                  ELSE 'ALTER TABLE %2$s NO INHERIT auth_store.%1$I' END,
                             r.name, i.inhrelid::pg_catalog.regclass), 'problem'
      FROM relation r
      JOIN pg_catalog.pg_inherits i ON i.inhparent = r.oid
     WHERE NOT EXISTS (SELECT FROM relation c WHERE c.oid = i.inhrelid AND c.parent = r.name)
    UNION ALL
    SELECT r.object, 'inherits from ' || i.inhparent::pg_catalog.regclass::text || ', which shows its rows',
           pg_catalog.format('ALTER TABLE auth_store.%I NO INHERIT %s', r.name, i.inhparent::pg_catalog.regclass),
           'problem'
      FROM relation r
      JOIN pg_catalog.pg_inherits i ON i.inhrelid = r.oid
     WHERE r.parent IS NULL AND NOT EXISTS (SELECT FROM relation p WHERE p.oid = i.inhparent)
    UNION ALL
    -- foreign keys are system triggers
    SELECT r.object, 'its foreign keys are not checked: system triggers are disabled',
           pg_catalog.format('ALTER TABLE auth_store.%I ENABLE TRIGGER ALL', r.name), 'problem'
      FROM relation r
     WHERE EXISTS (SELECT FROM pg_catalog.pg_trigger t
                    WHERE t.tgrelid = r.oid AND t.tgisinternal AND t.tgenabled NOT IN ('O', 'A'))
    UNION ALL
    -- what is wanted
    SELECT d.object,
           CASE WHEN d.found IS NULL THEN d.part || ' is missing'
                WHEN d.kind = 'owner' THEN 'belongs to ' || d.found || ', not to ' || d.shipped
                WHEN d.kind = 'extension'
                    THEN 'belongs to ' || CASE d.found WHEN 'none' THEN 'no extension' ELSE 'extension ' || d.found END
                WHEN d.kind = 'row-level' THEN d.part || ' is ' || d.found || ', not ' || d.shipped
                WHEN pg_catalog.length(d.found) + pg_catalog.length(d.shipped) > 300 OR d.kind = 'body'
                    THEN d.part || ' is altered'
                ELSE d.part || ' is altered: ' || d.found || ', not ' || d.shipped END,
           CASE WHEN d.object LIKE 'function %' AND d.kind = 'owner'
                    THEN pg_catalog.format('ALTER %s OWNER TO %s', d.target,
                             CASE d.shipped WHEN 'auth_store_owner' THEN 'auth_store_owner' ELSE 'a superuser' END)
                WHEN d.object LIKE 'function %' AND d.kind = 'extension'
                    THEN pg_catalog.format('ALTER EXTENSION auth_store ADD %s', d.target)
                WHEN d.object LIKE 'function %' AND d.kind = 'configuration'
                    THEN pg_catalog.format(CASE d.shipped WHEN 'none' THEN 'ALTER %s RESET ALL'
                                                ELSE 'ALTER %1$s RESET ALL; ALTER %1$s SET %2$s' END,
                                           d.target, pg_catalog.replace(d.shipped, '=', ' = '))
                WHEN d.kind = 'firing' THEN pg_catalog.format('ALTER %s ENABLE', d.target)
                WHEN d.object ~ '^(function|type|event trigger) '
                    THEN 'DROP EXTENSION auth_store CASCADE; CREATE EXTENSION auth_store; the tables keep their rows'
                WHEN d.object = 'schema auth_store' THEN 'ALTER SCHEMA auth_store OWNER TO a superuser'
                WHEN d.object LIKE 'role %' THEN pg_catalog.format('ALTER %s %s', d.target, d.shipped)
                WHEN d.kind IN ('owner', 'policy', 'row-level') THEN 'SELECT auth_store.install()'
                WHEN d.kind = 'index' THEN CASE WHEN d.found IS NULL THEN ''
                                                ELSE pg_catalog.format('DROP INDEX auth_store.%I; ', d.name) END
                                           || CASE WHEN d.in_partition THEN d.shipped
                                                   ELSE 'SELECT auth_store.install()' END
                WHEN d.kind = 'replica' THEN pg_catalog.format('ALTER %s REPLICA IDENTITY FULL', d.target)
                WHEN d.kind = 'bounds' THEN 'Rename it after its bounds, or attach it with those of its name'
                WHEN d.object LIKE 'view %'
                    THEN pg_catalog.format('SET auth_store.allow_drop = on; DROP %s; SELECT auth_store.install()',
                                           d.target)
                WHEN d.kind = 'constraint'
                    THEN pg_catalog.format(
                        CASE WHEN d.found IS NULL THEN ''
                             WHEN d.found LIKE 'FOREIGN KEY %' THEN 'SET auth_store.allow_drop = on; ' ELSE '' END
                        || CASE WHEN d.found IS NULL THEN '' ELSE 'ALTER %1$s DROP CONSTRAINT %2$I; ' END
                        || 'ALTER %1$s ADD CONSTRAINT %2$I %3$s', d.target, d.name, d.shipped)
                WHEN d.kind = 'column'
                    THEN pg_catalog.format('It must be %I %s; after an upgrade SELECT auth_store.migrate()',
                                           d.name, d.shipped)
                WHEN d.kind = 'storage'
                    THEN pg_catalog.format('It must be %s: ALTER %s SET %s', d.shipped, d.target,
                                           CASE WHEN d.shipped LIKE 'unlogged%' THEN 'UNLOGGED' ELSE 'LOGGED' END)
                ELSE 'Compare with a fresh install' END,
           'problem'
      FROM difference d WHERE d.shipped IS NOT NULL
    UNION ALL
    -- what is more
    SELECT d.object,
           CASE d.kind WHEN 'trigger' THEN 'carries the ' || d.part || ', which sees every row that is written'
                       WHEN 'rule' THEN 'carries the ' || d.part || ', which rewrites what the store sends'
                       WHEN 'policy' THEN 'carries the ' || d.part
                           || CASE WHEN d.found LIKE 'PERMISSIVE%' THEN ', which widens what a pinned session sees'
                                   ELSE ', which narrows what the store sees' END
                       WHEN 'member' THEN d.name || ' is a member: '
                           || CASE d.object WHEN 'role auth_store_owner' THEN 'it reads and writes every table'
                                            ELSE 'it reads what no tenant pin hides' END
                       WHEN 'membership' THEN 'is a member of ' || pg_catalog.substr(d.name, 4)
                       WHEN 'column' THEN 'carries the ' || d.part
                           || CASE WHEN d.found LIKE '% NOT NULL' THEN ', which the store gives no value' ELSE '' END
                       ELSE 'carries the ' || d.part END,
           CASE d.kind WHEN 'rule'
                           THEN pg_catalog.format('DROP RULE %I ON auth_store.%I',
                                                  d.name, pg_catalog.split_part(d.object, ' ', 2))
                       WHEN 'policy'
                           THEN pg_catalog.format('DROP POLICY %I ON auth_store.%I',
                                                  d.name, pg_catalog.split_part(d.object, ' ', 2))
                       WHEN 'member' THEN pg_catalog.format('REVOKE %s FROM %s', pg_catalog.substr(d.object, 6), d.name)
                       WHEN 'membership'
                           THEN pg_catalog.format('REVOKE %s FROM %s',
                                                  pg_catalog.substr(d.name, 4), pg_catalog.substr(d.object, 6))
                       ELSE pg_catalog.format('Drop the %s unless it is yours', d.kind) END,
           CASE WHEN d.kind IN ('trigger', 'index', 'constraint') OR d.kind = 'policy' AND d.found LIKE 'RESTRICTIVE%'
                  OR d.kind = 'column' AND d.found NOT LIKE '% NOT NULL' THEN 'note' ELSE 'problem' END
      FROM difference d
     WHERE d.shipped IS NULL
       AND NOT (d.kind = 'trigger' AND EXISTS (
           SELECT FROM relation r
             JOIN pg_catalog.pg_trigger t ON t.tgrelid = r.oid AND t.tgname = d.name
             JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid AND p.pronamespace = (SELECT s.oid FROM schema s)
            WHERE r.object = d.object
              AND p.proname = CASE WHEN d.name ~ '^auth_store_fence_(insert|update|delete)$' THEN 'shard_refuse'
                                   WHEN d.name = 'auth_store_arrival' THEN 'shard_arrive' END))
    UNION ALL
    -- Buckets that move have triggers on all their tables; one says it.
    SELECT 'buckets ' || COALESCE(pg_catalog.substring(d.found, 'shard_refuse\(''(.*)''\)'), 'of another shard'),
           'are fenced: nobody writes their rows here, because they have moved or are about to',
           'Go on with the move, or CALL auth_store.shard_unfence(): see docs/how-to/shards_moving.md', 'note'
      FROM difference d WHERE d.object = 'table users' AND d.part = 'trigger auth_store_fence_insert'
       AND d.found LIKE '% EXECUTE FUNCTION auth\_store.shard\_refuse(%'
    UNION ALL
    SELECT 'buckets', 'move here: the tables take rows of them', 'Go on with the move, or cancel it', 'note'
      FROM difference d WHERE d.object = 'table vault_keys' AND d.part = 'trigger auth_store_arrival'
    UNION ALL
    -- privileges. A foreign key of an application's to the key of a tenant, client or user needs
    -- REFERENCES, which shows nothing.
    SELECT g.object, pg_catalog.format('%s is granted to %s', g.privilege, g.grantee),
           pg_catalog.format('REVOKE %s ON %s FROM %s CASCADE',
                             pg_catalog.replace(g.privilege, ' WITH GRANT OPTION', ''),
                             pg_catalog.regexp_replace(g.target, '^VIEW ', 'TABLE '), g.grantee)
           || CASE WHEN g.privilege LIKE 'REFERENCES%' AND k.columns IS NOT NULL
                   THEN pg_catalog.format('; GRANT REFERENCES (%s) ON %s TO %s', k.columns, g.target, g.grantee)
                   ELSE '' END, 'problem'
      FROM granted g
      LEFT JOIN (VALUES ('table tenants', 'id'), ('table clients', 'id, tenant_id'), ('table users', 'id, tenant_id'))
                k (object, columns) ON k.object = g.object
     WHERE NOT (k.columns IS NOT NULL
                AND pg_catalog.replace(g.privilege, ' WITH GRANT OPTION', '') IN
                    (SELECT pg_catalog.format('REFERENCES (%s)', c.name)
                       FROM pg_catalog.string_to_table(k.columns, ', ') c (name)))
       AND NOT EXISTS (SELECT FROM to_be_granted w
                        WHERE w.object = g.object AND w.grantee = g.grantee AND w.privilege = g.privilege)
    UNION ALL
    SELECT w.object, pg_catalog.format('%s is not granted to %s', w.privilege, w.grantee),
           'SELECT auth_store.install()', 'problem'
      FROM to_be_granted w
     WHERE NOT EXISTS (SELECT FROM granted g
                        WHERE g.object = w.object AND g.grantee = w.grantee
                          AND g.privilege IN (w.privilege, w.privilege || ' WITH GRANT OPTION'))
    UNION ALL
    -- the rest
    SELECT 'table audit_log', 'has no partition for the current month', 'SELECT auth_store.partitions_ensure()',
           'problem'
     WHERE EXISTS (SELECT FROM relation r WHERE r.name = 'audit_log' AND r.relkind = 'p')
       AND NOT EXISTS (
           SELECT FROM relation r
            WHERE r.parent = 'audit_log'
              AND r.name LIKE '%' || pg_catalog.to_char(pg_catalog.clock_timestamp() AT TIME ZONE 'UTC',
                                                           '"y"YYYY"m"MM'))
    UNION ALL
    -- A role that may set one can loosen what it holds.
    SELECT 'setting ' || a.parname, g.privilege_type || ' is granted to ' || w.grantee,
           pg_catalog.format('REVOKE %s ON PARAMETER %s FROM %s CASCADE', g.privilege_type, a.parname, w.grantee),
           'problem'
      FROM pg_catalog.pg_parameter_acl a
           CROSS JOIN pg_catalog.aclexplode(a.paracl) g
           CROSS JOIN LATERAL (SELECT CASE g.grantee WHEN 0 THEN 'PUBLIC'
                                           ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(g.grantee)::text)
                                           END) w (grantee)
     WHERE (a.parname LIKE 'auth\_store.%' OR a.parname = 'session_replication_role')
       AND NOT EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.oid = g.grantee AND r.rolsuper)
    UNION ALL
    -- Names of settings ignore case.
    SELECT 'setting auth_store.tenant_id',
           pg_catalog.format('pins %s, but auth_store is not preloaded', w.whom),
           'shared_preload_libraries = ''auth_store''', 'problem'
      FROM pg_catalog.pg_db_role_setting s
           CROSS JOIN pg_catalog.unnest(s.setconfig) c (setting)
           CROSS JOIN LATERAL (SELECT pg_catalog.concat_ws(' in ',
               CASE s.setrole WHEN 0 THEN 'everybody'
                    ELSE 'role ' || pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(s.setrole)::text) END,
               CASE s.setdatabase WHEN 0 THEN NULL ELSE 'this database' END)) w (whom)
     WHERE NOT $4 AND pg_catalog.lower(c.setting) ~ '^auth_store\.tenant_id=.'
       AND s.setdatabase IN (
           0, (SELECT b.oid FROM pg_catalog.pg_database b WHERE b.datname = pg_catalog.current_database()))
    UNION ALL
    SELECT 'setting ' || l.name,
           pg_catalog.format('is on for %s: %s', pg_catalog.concat_ws(' in ',
               CASE s.setrole WHEN 0 THEN 'everybody'
                    ELSE 'role ' || pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(s.setrole)::text) END,
               CASE s.setdatabase WHEN 0 THEN NULL ELSE 'this database' END), l.loosens),
           'ALTER ROLE or ALTER DATABASE … RESET ' || l.name, 'note'
      FROM (VALUES ('auth_store.allow_drop', 'nothing guards the tables'),
                   ('auth_store.webhook_allow_http', 'deliveries of webhooks can be read on their way')
           ) l (name, loosens)
           CROSS JOIN pg_catalog.pg_db_role_setting s
           CROSS JOIN pg_catalog.unnest(s.setconfig) c (setting)
     WHERE pg_catalog.lower(c.setting) ~ ('^' || l.name || '=(on|t|true|tr|tru|y|ye|yes|1)$')
       AND s.setdatabase IN (
           0, (SELECT b.oid FROM pg_catalog.pg_database b WHERE b.datname = pg_catalog.current_database()))
    UNION ALL
    SELECT 'setting session_replication_role',
           pg_catalog.format('is %s for %s: foreign keys are not checked', v.value,
               pg_catalog.concat_ws(' in ',
                   CASE s.setrole WHEN 0 THEN 'everybody'
                        ELSE 'role ' || pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(s.setrole)::text) END,
                   CASE s.setdatabase WHEN 0 THEN NULL ELSE 'this database' END)),
           'ALTER ROLE or ALTER DATABASE … RESET session_replication_role', 'problem'
      FROM pg_catalog.pg_db_role_setting s
           CROSS JOIN pg_catalog.unnest(s.setconfig) c (setting)
           CROSS JOIN LATERAL (SELECT pg_catalog.lower(pg_catalog.split_part(c.setting, '=', 2))) v (value)
     WHERE pg_catalog.lower(c.setting) LIKE 'session_replication_role=%' AND v.value = 'replica'
       AND s.setdatabase IN (
           0, (SELECT b.oid FROM pg_catalog.pg_database b WHERE b.datname = pg_catalog.current_database()))
)
SELECT DISTINCT f.object COLLATE "C", f.problem COLLATE "C", f.hint, f.severity FROM finding f ORDER BY 1, 2
