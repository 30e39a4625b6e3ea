-- Every table and partition of the store belongs to auth_store_owner, every view to auth_store_view, and nobody else may
-- touch a table directly; the auditor reads the views. auth_store_view, which no policy binds, reads the columns that the
-- views read. A view that does not hold the pin itself, as those of 0.1.0 until they are migrated, is not given to it.
DO $$
DECLARE
    item record;
BEGIN
    FOR item IN
        SELECT c.oid::pg_catalog.regclass AS name, c.relkind, c.relowner::pg_catalog.regrole::text AS owner,
               CASE WHEN c.relkind = 'v' AND c.reloptions @> '{security_barrier=true}' THEN 'auth_store_view'
                    ELSE 'auth_store_owner' END AS wanted
          FROM pg_catalog.pg_class c
         WHERE c.relnamespace = 'auth_store'::pg_catalog.regnamespace
           AND c.relkind IN ('r', 'p', 'v')
    LOOP
        IF item.owner <> item.wanted THEN
            EXECUTE pg_catalog.format('ALTER %s %s OWNER TO %I',
                CASE item.relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END, item.name, item.wanted);
        END IF;
        EXECUTE pg_catalog.format('REVOKE ALL ON %s FROM PUBLIC', item.name);
        IF item.relkind = 'v' THEN
            EXECUTE pg_catalog.format('GRANT SELECT ON %s TO auth_store_auditor, auth_store_admin', item.name);
        END IF;
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
