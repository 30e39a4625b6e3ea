-- The first statements of the install script: which database may have the store, and who may own the schema. Then come
-- the composite types that the functions return, in sql/types/, each with what it says; what their columns say is in
-- sql/type_comments.sql.

-- The library reads and writes UTF-8; in a database of another encoding the first other byte would be an
-- internal error.
DO $$
BEGIN
    IF pg_catalog.getdatabaseencoding() OPERATOR(pg_catalog.<>) 'UTF8' THEN
        RAISE EXCEPTION 'auth_store needs a database with the encoding UTF8, this one has %',
            pg_catalog.getdatabaseencoding()
            USING ERRCODE = 'feature_not_supported',
                  HINT = 'CREATE DATABASE name ENCODING ''UTF8'' TEMPLATE template0';
    END IF;
END
$$;

-- The owner of the schema can replace the objects that the functions name in it.
DO $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_catalog.pg_namespace n
          JOIN pg_catalog.pg_roles r ON r.oid OPERATOR(pg_catalog.=) n.nspowner
         WHERE n.nspname OPERATOR(pg_catalog.=) 'auth_store'
           AND (r.rolsuper OR r.rolname OPERATOR(pg_catalog.=) current_user)
    ) THEN
        RAISE EXCEPTION 'schema auth_store belongs to another role that is no superuser'
            USING ERRCODE = 'insufficient_privilege',
                  HINT = 'Drop the schema, or ALTER SCHEMA auth_store OWNER TO the installing superuser.';
    END IF;
END
$$;
