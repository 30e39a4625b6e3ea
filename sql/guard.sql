-- Tells the library of each command that may drop something, and loads the library for that: see
-- src/kernel/server/guard.rs. It is in PL/pgSQL, because a server whose library files were removed must go on with its
-- DDL, and be able to drop the extension. So must a server in which the owner lost a privilege or the schema its name:
-- nothing is refused here, so a failure here is one of the guard itself.
CREATE FUNCTION auth_store.guard() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM auth_store.guard_tables(tg_tag);
EXCEPTION WHEN OTHERS THEN
    RAISE WARNING 'auth_store: nothing guards the tables: %', SQLERRM;
END
$$;

-- What can drop a table, a view, a column or a foreign key, also by what it depends on.
CREATE EVENT TRIGGER auth_store_guard ON ddl_command_start
    WHEN TAG IN ('ALTER TABLE', 'DROP TABLE', 'DROP VIEW', 'DROP SCHEMA', 'DROP OWNED', 'DROP EXTENSION', 'DROP TYPE',
                 'DROP DOMAIN', 'DROP COLLATION', 'DROP FUNCTION', 'DROP PROCEDURE', 'DROP ROUTINE', 'DROP LANGUAGE',
                 'DROP OPERATOR CLASS', 'DROP OPERATOR FAMILY', 'DROP ACCESS METHOD')
    EXECUTE FUNCTION auth_store.guard();
COMMENT ON EVENT TRIGGER auth_store_guard IS
    'Refuses commands that would drop a table or view of auth_store, a column or a foreign key, unless '
    'auth_store.allow_drop is on.';
