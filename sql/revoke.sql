-- The end of the install script begins here: nobody may call anything. sql/surface/ then says, domain by domain, what
-- each function does and who may call it, and sql/make_tables.sql makes the tables.

-- All before had to find the schema by this path; from here on everything is named in full.
SET LOCAL search_path = pg_catalog, pg_temp;

-- Privileges are exactly those that sql/surface/ grants: what default privileges gave to anybody else goes. Types keep
-- PostgreSQL's own, USAGE for PUBLIC: without a function a type is good for nothing.
DO $$
DECLARE
    member record;
BEGIN
    FOR member IN
        SELECT p.oid::pg_catalog.regprocedure AS name, p.prosecdef,
               CASE WHEN p.prosecdef THEN 'auth_store_owner'
                    ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(p.proowner)::text) END AS owner,
               (SELECT pg_catalog.string_agg(
                           DISTINCT CASE WHEN a.grantee = 0 THEN 'PUBLIC'
                                         ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)::text) END,
                           ', ')
                  FROM pg_catalog.aclexplode(COALESCE(p.proacl, pg_catalog.acldefault('f', p.proowner))) a
                 WHERE a.grantee <> p.proowner) AS others
          FROM pg_catalog.pg_depend d
          JOIN pg_catalog.pg_proc p ON p.oid = d.objid
          JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
         WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
           AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
           AND d.deptype = 'e'
           AND e.extname = 'auth_store'
    LOOP
        -- No function of the store runs as a superuser.
        IF member.prosecdef THEN
            EXECUTE pg_catalog.format('ALTER ROUTINE %s OWNER TO auth_store_owner', member.name);
        END IF;
        IF member.others IS NOT NULL THEN
            EXECUTE pg_catalog.format('REVOKE ALL ON ROUTINE %s FROM %s CASCADE', member.name, member.others);
        END IF;
        EXECUTE pg_catalog.format('GRANT EXECUTE ON ROUTINE %s TO %s', member.name, member.owner);
    END LOOP;
    FOR member IN
        SELECT t.oid::pg_catalog.regtype AS name,
               pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(t.typowner)::text) AS owner,
               (SELECT pg_catalog.string_agg(
                           DISTINCT pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)::text), ', ')
                  FROM pg_catalog.aclexplode(t.typacl) a
                 WHERE a.grantee <> t.typowner AND a.grantee <> 0) AS others
          FROM pg_catalog.pg_depend d
          JOIN pg_catalog.pg_type t ON t.oid = d.objid AND t.typacl IS NOT NULL
          JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
         WHERE d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass
           AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
           AND d.deptype = 'e'
           AND e.extname = 'auth_store'
    LOOP
        IF member.others IS NOT NULL THEN
            EXECUTE pg_catalog.format('REVOKE ALL ON TYPE %s FROM %s CASCADE', member.name, member.others);
        END IF;
        EXECUTE pg_catalog.format('GRANT USAGE ON TYPE %s TO %s, PUBLIC', member.name, member.owner);
    END LOOP;
END
$$;
