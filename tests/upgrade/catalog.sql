-- What the catalog says of the store, a fact a line, without what differs from database to database: oids, physical
-- files, statistics. It takes every column of a catalog's row that it does not name, so that one which a later major
-- adds is compared too.
SET search_path = pg_catalog, pg_temp;
SET TimeZone = 'UTC';

CREATE FUNCTION pg_temp.acl(acl aclitem[]) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN acl IS NOT NULL THEN COALESCE(jsonb_agg(x ORDER BY x), '[]') END
      FROM (SELECT concat_ws(' ', a.grantor::regrole, CASE a.grantee WHEN 0 THEN 'PUBLIC'
                                                          ELSE a.grantee::regrole::text END,
                   a.privilege_type, a.is_grantable) COLLATE "C"
              FROM aclexplode(acl) a) g (x) $$;

CREATE TEMPORARY VIEW own_relation AS
    SELECT * FROM pg_class WHERE relnamespace = 'auth_store'::regnamespace;

-- What belongs to the store: members of the extension, and what is in its schema or part of what is.
CREATE TEMPORARY VIEW own AS
    SELECT classid, objid FROM pg_depend
     WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e'
       AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'auth_store')
    UNION SELECT 'pg_extension'::regclass, oid FROM pg_extension WHERE extname = 'auth_store'
    UNION SELECT 'pg_namespace'::regclass, 'auth_store'::regnamespace
    UNION SELECT 'pg_class'::regclass, oid FROM own_relation
    UNION SELECT 'pg_proc'::regclass, oid FROM pg_proc WHERE pronamespace = 'auth_store'::regnamespace
    UNION SELECT 'pg_type'::regclass, oid FROM pg_type WHERE typnamespace = 'auth_store'::regnamespace
    UNION SELECT 'pg_constraint'::regclass, oid FROM pg_constraint WHERE connamespace = 'auth_store'::regnamespace
    UNION SELECT 'pg_attrdef'::regclass, d.oid FROM pg_attrdef d JOIN own_relation c ON c.oid = d.adrelid
    UNION SELECT 'pg_rewrite'::regclass, r.oid FROM pg_rewrite r JOIN own_relation c ON c.oid = r.ev_class
    UNION SELECT 'pg_trigger'::regclass, t.oid FROM pg_trigger t JOIN own_relation c ON c.oid = t.tgrelid
    UNION SELECT 'pg_policy'::regclass, p.oid FROM pg_policy p JOIN own_relation c ON c.oid = p.polrelid
    UNION SELECT 'pg_statistic_ext'::regclass, oid FROM pg_statistic_ext WHERE stxnamespace = 'auth_store'::regnamespace;

SELECT concat(kind, ' ', name, ': ', said)
  FROM (
    SELECT 'extension' AS kind, e.extname::text AS name, to_jsonb(e) - '{oid}'::text[]
           || jsonb_build_object('extowner', (SELECT rolsuper FROM pg_roles r WHERE r.oid = extowner), 'extnamespace',
               extnamespace::regnamespace::text, 'extconfig', (SELECT array_agg(c::regclass::text)
                                                                 FROM unnest(extconfig) c)) AS said
      FROM pg_extension e WHERE e.extname = 'auth_store'
    UNION ALL
    SELECT 'schema', nspname, jsonb_build_object('acl', pg_temp.acl(nspacl))
      FROM pg_namespace WHERE nspname = 'auth_store'
    UNION ALL
    SELECT 'default privileges', defaclrole::regrole::text, jsonb_build_object('of', defaclobjtype, 'acl',
        pg_temp.acl(defaclacl))
      FROM pg_default_acl WHERE defaclnamespace = 'auth_store'::regnamespace
    UNION ALL
    SELECT 'member', pg_describe_object(classid, objid, objsubid), jsonb_build_object('deptype', deptype)
      FROM pg_depend
     WHERE refclassid = 'pg_extension'::regclass
       AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'auth_store')
    UNION ALL
    SELECT 'dependency', concat(pg_describe_object(d.classid, d.objid, d.objsubid), ' -> ',
                                pg_describe_object(d.refclassid, d.refobjid, d.refobjsubid)), jsonb_agg(DISTINCT deptype)
      FROM pg_depend d JOIN own ON own.classid = d.classid AND own.objid = d.objid
     WHERE NOT (d.classid = 'pg_trigger'::regclass
                AND (SELECT tgisinternal FROM pg_trigger t WHERE t.oid = d.objid))
     GROUP BY 2
    UNION ALL
    SELECT 'comment', pg_describe_object(d.classoid, d.objoid, d.objsubid), to_jsonb(d.description)
      FROM pg_description d JOIN own ON own.classid = d.classoid AND own.objid = d.objoid
    UNION ALL
    SELECT 'initial privileges', pg_describe_object(i.classoid, i.objoid, i.objsubid),
           jsonb_build_object('privtype', i.privtype, 'acl', pg_temp.acl(i.initprivs))
      FROM pg_init_privs i JOIN own ON own.classid = i.classoid AND own.objid = i.objoid
    UNION ALL
    SELECT 'function', p.oid::regprocedure::text,
           to_jsonb(p) - '{oid,proargtypes,proallargtypes,proargdefaults,protrftypes,pronamespace}'::text[]
           || jsonb_build_object('arguments', pg_get_function_arguments(p.oid), 'result', pg_get_function_result(p.oid),
               'proowner', CASE WHEN r.rolsuper THEN 'a superuser' ELSE r.rolname END, 'prolang',
               (SELECT lanname FROM pg_language l WHERE l.oid = prolang), 'prorettype', prorettype::regtype::text,
               'proacl', replace(pg_temp.acl(proacl)::text, current_user, 'a superuser'), 'prosupport',
               prosupport::text)
      FROM pg_proc p JOIN pg_roles r ON r.oid = p.proowner
     WHERE p.pronamespace = 'auth_store'::regnamespace
    UNION ALL
    SELECT 'type', t.oid::regtype::text,
           to_jsonb(t) - '{oid,typrelid,typelem,typarray,typbasetype,typnamespace}'::text[]
           || jsonb_build_object('typowner', CASE WHEN r.rolsuper THEN 'a superuser' ELSE r.rolname END, 'typacl',
               replace(pg_temp.acl(typacl)::text, current_user, 'a superuser'))
      FROM pg_type t JOIN pg_roles r ON r.oid = t.typowner
     WHERE t.typnamespace = 'auth_store'::regnamespace
    UNION ALL
    -- No privileges are the owner's, which a partition that was made here has written out.
    SELECT 'relation', c.oid::regclass::text,
           to_jsonb(c) - ('{oid,relfilenode,relpages,reltuples,relallvisible,relallfrozen,relfrozenxid,relminmxid,'
                          'relnamespace,reltype,reloftype,reltoastrelid,relrewrite,relnatts}')::text[]
           || jsonb_build_object('relowner', CASE WHEN r.rolsuper THEN 'a superuser' ELSE r.rolname END, 'relam',
               (SELECT amname FROM pg_am a WHERE a.oid = relam), 'relacl',
               replace(pg_temp.acl(COALESCE(relacl, acldefault('r', relowner)))::text, current_user, 'a superuser'),
               'toast', reltoastrelid <> 0, 'columns',
               (SELECT count(*) FROM pg_attribute a
                 WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
               'relpartbound', pg_get_expr(relpartbound, c.oid), 'key', pg_get_partkeydef(c.oid),
               'parents', (SELECT array_agg(inhparent::regclass::text ORDER BY inhseqno) FROM pg_inherits
                            WHERE inhrelid = c.oid),
               'view', CASE relkind WHEN 'v' THEN pg_get_viewdef(c.oid) END)
      FROM own_relation c JOIN pg_roles r ON r.oid = c.relowner
    UNION ALL
    -- The server's minors of November 2026 write pg_attver into attoptions; attndims means nothing, and LIKE, by which
    -- a partition is made, leaves it out where a dump has it.
    SELECT 'column', c.oid::regclass || '.' || a.attname,
           to_jsonb(a) - ('{attrelid,atttypid,attnum,attcacheoff,attcollation,attmissingval,atthasmissing,'
                          'attndims,attstattarget}')::text[]
           || jsonb_build_object('type', format_type(atttypid, atttypmod), 'collation', attcollation::regcollation::text,
               'position', (SELECT count(*) FROM pg_attribute b
                             WHERE b.attrelid = a.attrelid AND b.attnum > 0 AND b.attnum <= a.attnum
                               AND NOT b.attisdropped),
               'statistics', NULLIF(attstattarget, -1), 'attoptions',
               (SELECT array_agg(o ORDER BY o COLLATE "C") FROM unnest(attoptions) o WHERE o NOT LIKE 'pg\_attver=%'),
               'attacl', pg_temp.acl(attacl), 'default', pg_get_expr(d.adbin, d.adrelid))
      FROM own_relation c
      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
      LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    UNION ALL
    SELECT 'constraint', COALESCE(n.conrelid::regclass::text, '') || '.' || n.conname,
           jsonb_build_object('definition', pg_get_constraintdef(n.oid), 'validated', convalidated, 'local', conislocal,
               'inherited', coninhcount, 'no inherit', connoinherit, 'index', NULLIF(conindid, 0)::regclass::text)
      FROM pg_constraint n WHERE n.connamespace = 'auth_store'::regnamespace
    UNION ALL
    SELECT 'index', i.indexrelid::regclass::text,
           to_jsonb(i) - '{indexrelid,indrelid,indcheckxmin,indkey,indcollation,indclass,indexprs,indpred}'::text[]
           || jsonb_build_object('definition', pg_get_indexdef(i.indexrelid))
      FROM pg_index i JOIN own_relation c ON c.oid = i.indexrelid
    UNION ALL
    SELECT 'trigger', c.oid::regclass || '.' || CASE WHEN t.tgisinternal THEN 'internal' ELSE t.tgname END,
           jsonb_agg(concat(t.tgenabled, ' ', t.tgfoid::regprocedure, ' ', t.tgtype,
                            CASE WHEN NOT t.tgisinternal THEN pg_get_triggerdef(t.oid) END) ORDER BY t.tgfoid, t.tgtype)
      FROM pg_trigger t JOIN own_relation c ON c.oid = t.tgrelid
     GROUP BY 2
    UNION ALL
    SELECT 'policy', c.oid::regclass || '.' || p.polname,
           jsonb_build_object('command', polcmd, 'permissive', polpermissive,
               'roles', (SELECT array_agg(CASE o WHEN 0 THEN 'PUBLIC' ELSE o::regrole::text END) FROM unnest(polroles) o),
               'using', pg_get_expr(polqual, polrelid), 'check', pg_get_expr(polwithcheck, polrelid))
      FROM pg_policy p JOIN own_relation c ON c.oid = p.polrelid
    UNION ALL
    SELECT 'rule', c.oid::regclass || '.' || r.rulename, to_jsonb(r.ev_enabled)
      FROM pg_rewrite r JOIN own_relation c ON c.oid = r.ev_class
    UNION ALL
    SELECT 'statistics', stxname, to_jsonb(pg_get_statisticsobjdef(oid))
      FROM pg_statistic_ext WHERE stxnamespace = 'auth_store'::regnamespace
    UNION ALL
    SELECT 'event trigger', evtname, to_jsonb(t) - '{oid,evtowner,evtfoid}'::text[]
           || jsonb_build_object('function', evtfoid::regprocedure::text)
      FROM pg_event_trigger t
  ) fact
 ORDER BY 1;
