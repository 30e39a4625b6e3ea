-- How far long calls are. What other sessions see of one that runs: tests/isolation/specs/report_progress.spec and
-- tests/tap/progress.pl.
\i tests/sql/include/helpers.sql
\pset null NULL
SELECT auth_store.tenant_create('shown', 'Shown') IS NOT NULL AS made;
SELECT user_id AS alice FROM auth_store.user_create('alice@shown.example', tenant_id => 'shown') \gset
SELECT user_id AS bob FROM auth_store.user_create('bob@shown.example', tenant_id => 'shown') \gset

-- 1. A call is seen by what runs in it.
CREATE FUNCTION pg_temp.seen() RETURNS TABLE (line text) LANGUAGE sql AS $$
    SELECT concat_ws(' ', command, phase, CASE WHEN step BETWEEN 1 AND steps THEN 'step' END, rows_done)
      FROM auth_store.progress_list()
     WHERE pid = pg_backend_pid() AND datname = current_database() AND role = session_user
       AND datid = (SELECT oid FROM pg_database WHERE datname = current_database())
       AND started_at >= statement_timestamp() AND started_at <= clock_timestamp()
       AND (rows_total >= rows_done) IS NOT FALSE AND (rows_per_second > 0) IS NOT FALSE
       AND (seconds_left >= 0) IS NOT FALSE
$$;
SELECT * FROM pg_temp.seen();
-- A trigger of an application looks on.
CREATE TABLE public.seen (n int GENERATED ALWAYS AS IDENTITY, line text);
CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO public.seen (line) SELECT line FROM pg_temp.seen();
    RETURN NULL;
END $$;
CREATE TRIGGER look AFTER DELETE ON auth_store.users FOR EACH STATEMENT EXECUTE FUNCTION look();
SET client_min_messages = warning;
SELECT auth_store.user_erase(:'alice') IS NOT NULL AS erased;
SELECT line FROM seen;
SELECT * FROM pg_temp.seen();
DROP TRIGGER look ON auth_store.users;
-- A failure of the call leaves nothing, caught or not.
CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''no''; END';
CREATE TRIGGER fail AFTER DELETE ON auth_store.users FOR EACH STATEMENT EXECUTE FUNCTION fail();
DO $$
BEGIN
    BEGIN
        PERFORM auth_store.tenant_erase('shown', 'shown');
    EXCEPTION WHEN raise_exception THEN
        INSERT INTO public.seen (line) SELECT 'after the failure: ' || line FROM pg_temp.seen();
    END;
END $$;
SELECT auth_store.tenant_erase('shown', 'shown');
SELECT count(*) FROM pg_temp.seen();
SELECT line FROM seen WHERE line LIKE 'after%';
DROP TRIGGER fail ON auth_store.users;
DROP FUNCTION look(), fail();

-- 2. A procedure says when it begins and ends: a row that is left is over with its statement.
SELECT pg_temp.raised($$SELECT auth_store.progress_begin(NULL)$$),
       pg_temp.raised($$SELECT auth_store.progress_begin('vacuum')$$),
       pg_temp.raised($$SELECT auth_store.progress_add(-1, 'rows', 1, 1)$$),
       pg_temp.raised($$SELECT auth_store.progress_add(1, NULL, 1, 1)$$), auth_store.progress_add(1, 'rows', 1, 1);
CREATE FUNCTION pg_temp.note(what text) RETURNS void LANGUAGE sql AS
    $$INSERT INTO public.seen (line) SELECT what || ': ' || COALESCE((SELECT line FROM pg_temp.seen()), 'nothing')$$;
DO $$
BEGIN
    PERFORM auth_store.progress_begin('vault_rekey');
    PERFORM pg_temp.note('begun');
    -- A call that it makes is a part of it.
    PERFORM auth_store.partitions_ensure();
    PERFORM pg_temp.note('at a call');
    -- A subtransaction that fails clears the place, and the next batch shows the call again.
    BEGIN
        RAISE division_by_zero;
    EXCEPTION WHEN division_by_zero THEN
        PERFORM pg_temp.note('failed');
    END;
    PERFORM auth_store.vault_rekey_batch();
    PERFORM pg_temp.note('again');
    PERFORM auth_store.progress_add(7, 'sealed rows', 2, 2);
    PERFORM pg_temp.note('added');
    PERFORM auth_store.progress_end();
    PERFORM pg_temp.note('ended');
    PERFORM auth_store.progress_end();
    PERFORM auth_store.progress_begin('cleanup');
END $$;
SELECT line FROM seen WHERE line ~ ': ' AND line !~ '^after' ORDER BY n;
SELECT count(*) FROM auth_store.progress;
DO $$
BEGIN
    PERFORM auth_store.vault_rekey_batch();
    PERFORM pg_temp.note('left');
END $$;
SELECT line FROM seen WHERE line ~ '^left';

-- 3. A command of the server that the call runs has the place, and then the call again.
CREATE FUNCTION look() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    PERFORM pg_temp.note(tg_tag);
END $$;
BEGIN;
CREATE EVENT TRIGGER look ON ddl_command_end WHEN TAG IN ('CREATE TABLE', 'CREATE INDEX', 'ALTER TABLE')
    EXECUTE FUNCTION look();
SELECT auth_store.partitions_make('{audit_leaves_y2099m01}') AS made;
SELECT line FROM seen WHERE line ~ '^(CREATE|ALTER)' ORDER BY n;
ROLLBACK;
DROP FUNCTION look();
-- Inside a command that shows its own progress a call shows nothing.
CREATE FUNCTION erase() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM auth_store.progress_begin('cleanup');
    PERFORM pg_temp.note('in COPY');
    INSERT INTO public.seen (line) SELECT 'COPY: ' || type FROM pg_stat_progress_copy WHERE pid = pg_backend_pid();
    PERFORM auth_store.progress_end();
    RETURN NEW;
END $$;
CREATE TABLE copied (n int);
CREATE TRIGGER erase BEFORE INSERT ON copied FOR EACH ROW EXECUTE FUNCTION erase();
COPY copied FROM stdin;
1
\.
SELECT line FROM seen WHERE line ~ 'COPY' ORDER BY n;
DROP TABLE copied;
DROP FUNCTION erase();

-- 4. A pinned session sees its tenant's.
DO $$
BEGIN
    PERFORM set_config('auth_store.tenant_id', 'shown', false);
    PERFORM auth_store.progress_begin('cleanup');
    PERFORM pg_temp.note('own');
    PERFORM set_config('auth_store.tenant_id', 'another', false);
    PERFORM pg_temp.note('another''s');
    PERFORM set_config('auth_store.tenant_id', '', false);
    PERFORM pg_temp.note('of any tenant');
    PERFORM auth_store.progress_begin('cleanup');
    PERFORM set_config('auth_store.tenant_id', 'shown', false);
    PERFORM pg_temp.note('of all tenants');
    PERFORM set_config('auth_store.tenant_id', '', false);
END $$;
SELECT line FROM seen WHERE line ~ '^(own|another|of)' ORDER BY n;

DROP TABLE seen;
SELECT auth_store.tenant_erase('shown', 'shown') > 0 AS erased;
