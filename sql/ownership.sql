-- Every table, partition and view of the store belongs to auth_store_owner, and nobody else may touch a
-- table directly; the auditor reads the views.
DO $$
DECLARE
    item record;
BEGIN
    FOR item IN
        SELECT c.oid::pg_catalog.regclass AS name, c.relkind, c.relowner::pg_catalog.regrole::text AS owner
          FROM pg_catalog.pg_class c
         WHERE c.relnamespace = 'auth_store'::pg_catalog.regnamespace
           AND c.relkind IN ('r', 'p', 'v')
    LOOP
        IF item.owner <> 'auth_store_owner' THEN
            EXECUTE pg_catalog.format('ALTER %s %s OWNER TO auth_store_owner',
                CASE item.relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END, item.name);
        END IF;
        EXECUTE pg_catalog.format('REVOKE ALL ON %s FROM PUBLIC', item.name);
        IF item.relkind = 'v' THEN
            EXECUTE pg_catalog.format('GRANT SELECT ON %s TO auth_store_auditor, auth_store_admin', item.name);
        END IF;
    END LOOP;
END
$$;
