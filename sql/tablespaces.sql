-- The owner makes the partitions in the tablespace of their parent, into which the database or an ALTER TABLE has put
-- it. Only a superuser may use a tablespace other than the database's own, unless it is granted.
DO $$
DECLARE
    item record;
BEGIN
    FOR item IN
        SELECT DISTINCT t.spcname
          FROM pg_catalog.pg_class c JOIN pg_catalog.pg_tablespace t ON t.oid = c.reltablespace
         WHERE c.relnamespace = 'auth_store'::pg_catalog.regnamespace AND c.relkind = 'p'
           AND NOT pg_catalog.has_tablespace_privilege('auth_store_owner', t.oid, 'CREATE')
    LOOP
        EXECUTE pg_catalog.format('GRANT CREATE ON TABLESPACE %I TO auth_store_owner', item.spcname);
    END LOOP;
END
$$;
