-- Who is behind a transaction: found out by authenticate(), held until the end, forged by nothing.
\i tests/sql/include/helpers.sql
\set VERBOSITY terse

SELECT user_id AS ann FROM auth_store.user_create('ann@principal.example') \gset
SELECT user_id AS bob FROM auth_store.user_create('bob@principal.example') \gset
SELECT client_id
  FROM auth_store.client_create('App', ARRAY['http://127.0.0.1/cb'], 'public', client_id => 'principal_app',
      scope => 'read write');
SELECT session_id AS session, session_token AS cookie
  FROM auth_store.session_create(:'ann', acr => 'mfa', amr => ARRAY['pwd', 'otp']) \gset
SELECT access_token AS access, grant_id AS grant
  FROM auth_store.token_issue('principal_app', :'ann', 'read', session_id => :'session') \gset
SELECT access_token AS bound
  FROM auth_store.token_issue('principal_app', :'ann', 'read',
      cnf => '{"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}') \gset
SELECT access_token AS bobs FROM auth_store.token_issue('principal_app', :'bob') \gset
SELECT api_key_id AS key_id, api_key AS key
  FROM auth_store.api_key_create('Key', :'ann', scope => 'orders:*', allowed_cidrs => '{192.0.2.0/24}') \gset
SELECT api_key AS machine FROM auth_store.api_key_create('Machine', client_id => 'principal_app', scope => 'read') \gset
SELECT auth_store.role_create('packer', '{orders:pack}'), auth_store.role_assign(:'ann', 'packer');
SELECT count(*) AS rows FROM auth_store.audit_log \gset
CREATE VIEW pg_temp.me AS
    SELECT CASE auth_store.current_user_id() WHEN current_setting('test.ann')::uuid THEN 'ann'
                WHEN current_setting('test.bob')::uuid THEN 'bob' END AS me,
           auth_store.current_tenant_id() AS tenant, auth_store.current_client_id() AS client,
           auth_store.current_session_id() IS NOT NULL AS session, auth_store.current_acr() AS acr,
           auth_store.current_amr() AS amr, auth_store.current_has_scope('read') AS read,
           auth_store.current_has_permission('orders:pack') AS pack, auth_store.principal_recheck() AS stands,
           auth_store.principal_max_age('1 h') AS fresh;
SELECT set_config('test.ann', :'ann', false) = :'ann', set_config('test.bob', :'bob', false) = :'bob';

-- Nobody; an access token; a session; a user's key; a client's.
SELECT * FROM pg_temp.me;
BEGIN;
SELECT ok, kind, user_id = :'ann' AS ann, client_id, tenant_id, session_id = :'session' AS in_session, scope,
       expires_at > now() AS lives, auth_time, acr, amr, error FROM auth_store.authenticate(:'access', 'read');
SELECT * FROM pg_temp.me;
SELECT ok, kind, user_id = :'ann' AS ann, client_id, tenant_id, session_id = :'session' AS own, scope,
       auth_time IS NOT NULL AS timed, acr, amr, error FROM auth_store.authenticate(:'cookie');
SELECT * FROM pg_temp.me;
SELECT auth_store.principal_max_age('0'), auth_store.principal_max_age('1 month');
SELECT ok, kind, user_id = :'ann' AS ann, scope, expires_at
  FROM auth_store.authenticate(:'key', 'orders:pack', ip => '192.0.2.1');
SELECT * FROM pg_temp.me;
SELECT auth_store.current_has_scope('orders:pack orders:read'), auth_store.current_has_scope('orders'),
       auth_store.current_has_scope(''), auth_store.current_has_scope(NULL), auth_store.current_has_scope('"');
SELECT ok, kind, user_id, client_id FROM auth_store.authenticate(:'machine', 'read');
SELECT * FROM pg_temp.me;
COMMIT;
SELECT * FROM pg_temp.me;
-- In one statement, it holds for that statement alone.
SELECT ok FROM auth_store.authenticate(:'access');
SELECT * FROM pg_temp.me;

-- What is not good for what is needed: nobody is behind the transaction then, whoever was before.
CREATE FUNCTION pg_temp.fails(call text) RETURNS TABLE (ok boolean, error text, error_description text, still boolean)
    LANGUAGE plpgsql AS $$
BEGIN
    PERFORM auth_store.authenticate(current_setting('test.access'));
    IF auth_store.current_user_id() IS NULL THEN RAISE 'not authenticated'; END IF;
    EXECUTE format('SELECT ok, error, error_description FROM auth_store.authenticate(%s)', call)
       INTO ok, error, error_description;
    still := auth_store.current_user_id() IS NOT NULL;
    RETURN NEXT;
END $$;
SELECT set_config('test.access', :'access', false) = :'access';
SELECT f.* FROM (VALUES (1, 'NULL'), (2, quote_literal('')), (3, quote_literal('nonsense')),
    (4, quote_literal(pg_temp.altered(:'access'))), (5, quote_literal(pg_temp.altered(:'cookie'))),
    (6, quote_literal(pg_temp.altered(:'key'))), (7, format('%L, %L', :'access', 'write')),
    (8, format('%L, %L', :'cookie', 'read')), (9, format('%L, %L, ip => %L', :'key', 'read', '192.0.2.1')),
    (10, quote_literal(:'key')), (11, format('%L, ip => %L', :'key', '198.51.100.1')), (12, quote_literal(:'bound')),
    (13, format('%L, dpop_jkt => %L', :'access', 'x')), (14, format('%L, dpop_jkt => %L', :'cookie', 'x'))) c (n, call),
    LATERAL pg_temp.fails(call) f ORDER BY n;
SELECT f.* FROM pg_temp.fails(format('%L, dpop_jkt => %L', :'bound', '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I')) f;
BEGIN;
SELECT ok FROM auth_store.authenticate(:'access');
SAVEPOINT s;
SELECT ok FROM auth_store.authenticate(:'access', 'a"b');
ROLLBACK TO s;
SELECT me FROM pg_temp.me;
SELECT auth_store.current_has_permission('orders:*');
ROLLBACK TO s;
SELECT auth_store.principal_max_age(NULL);
ROLLBACK TO s;
SELECT auth_store.principal_max_age('-1 s');
ROLLBACK;

-- Nothing was written, and it works where nothing can be.
BEGIN READ ONLY;
SELECT ok FROM auth_store.authenticate(:'access');
SELECT me, stands FROM pg_temp.me;
COMMIT;
SELECT count(*) - :rows AS written FROM auth_store.audit_log;

-- Savepoints and blocks go back to the one before.
BEGIN;
SELECT ok FROM auth_store.authenticate(:'access');
SAVEPOINT s;
SELECT ok FROM auth_store.authenticate(:'bobs');
SELECT me FROM pg_temp.me;
ROLLBACK TO s;
SELECT me FROM pg_temp.me;
SELECT ok FROM auth_store.authenticate('nonsense');
SELECT me FROM pg_temp.me;
ROLLBACK TO s;
DO $$
BEGIN
    PERFORM auth_store.authenticate('nonsense');
    RAISE division_by_zero;
EXCEPTION WHEN division_by_zero THEN NULL;
END $$;
SELECT me FROM pg_temp.me;
SAVEPOINT t;
SELECT ok FROM auth_store.authenticate(:'bobs');
RELEASE t;
SELECT me FROM pg_temp.me;
COMMIT AND CHAIN;
SELECT me FROM pg_temp.me;
ROLLBACK;

-- A prepared statement, its plan kept, answers each user with the user's own.
PREPARE mine AS SELECT me FROM pg_temp.me;
SET plan_cache_mode = force_generic_plan;
BEGIN; SELECT ok FROM auth_store.authenticate(:'access'); EXECUTE mine; COMMIT;
BEGIN; SELECT ok FROM auth_store.authenticate(:'bobs'); EXECUTE mine; COMMIT;
EXECUTE mine;
RESET plan_cache_mode;

-- One place of a plan is asked for many rows, and one of PL/pgSQL in many statements of a transaction: it answers by
-- what is held, asked and permitted then.
BEGIN;
SELECT n, (auth_store.authenticate(token)).ok,
       CASE auth_store.current_user_id() WHEN :'ann' THEN 'ann' WHEN :'bob' THEN 'bob' END AS me,
       auth_store.current_tenant_id() AS tenant, auth_store.current_has_permission('orders:pack') AS pack
  FROM (VALUES (1, :'access'), (2, :'bobs'), (3, 'nonsense'), (4, :'access'), (5, :'bobs')) t (n, token);
SELECT auth_store.current_user_id() = :'bob' AS bob, (auth_store.authenticate(:'access')).ok,
       auth_store.current_user_id() = :'ann' AS ann;
SELECT p, auth_store.current_has_permission(p), auth_store.current_has_scope(p)
  FROM unnest('{orders:pack,orders:send,read,write,NULL,orders:pack}'::text[]) WITH ORDINALITY u (p, n) ORDER BY n;
ROLLBACK;
CREATE FUNCTION pg_temp.place() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN CASE auth_store.current_user_id() WHEN current_setting('test.ann')::uuid THEN 'ann'
                WHEN current_setting('test.bob')::uuid THEN 'bob' ELSE 'nobody' END;
END $$;
CREATE FUNCTION pg_temp.may(permission text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    RETURN auth_store.current_has_permission(permission);
END $$;
SELECT set_config('test.bobs', :'bobs', false) = :'bobs';
CREATE PROCEDURE pg_temp.places() LANGUAGE plpgsql AS $$
DECLARE
    seen text[] := ARRAY[pg_temp.place()];
BEGIN
    PERFORM auth_store.authenticate(current_setting('test.access'));
    seen := seen || pg_temp.place() || pg_temp.may('orders:pack')::text || pg_temp.may('orders:send')::text;
    BEGIN
        PERFORM auth_store.authenticate(current_setting('test.bobs'));
        seen := seen || pg_temp.place() || pg_temp.may('orders:pack')::text;
        RAISE division_by_zero;
    EXCEPTION WHEN division_by_zero THEN
        seen := seen || pg_temp.place() || pg_temp.may('orders:pack')::text;
    END;
    SET LOCAL SESSION AUTHORIZATION auth_store_reader;
    seen := seen || pg_temp.place();
    RESET SESSION AUTHORIZATION;
    seen := seen || pg_temp.place();
    COMMIT;
    seen := seen || pg_temp.place();
    RAISE NOTICE '%', seen;
END $$;
CALL pg_temp.places();
BEGIN;
SELECT ok FROM auth_store.authenticate(:'cookie');
SELECT pg_temp.may('orders:pack'), auth_store.role_unassign(:'ann', 'packer');
SELECT pg_temp.may('orders:pack'), auth_store.role_assign(:'ann', 'packer');
SELECT pg_temp.may('orders:pack');
ROLLBACK;

-- Forged by nobody: a superuser, and the application's role.
CREATE ROLE principal_web;
GRANT auth_store_reader TO principal_web;
GRANT SELECT ON pg_temp.me TO principal_web;
CREATE FUNCTION pg_temp.forge() RETURNS TABLE (attempt text, result text) LANGUAGE plpgsql AS $$
BEGIN
    FOR attempt IN SELECT unnest(ARRAY[
        $q$SET auth_store.principal = 'x'$q$, $q$SET LOCAL auth_store.principal = '{}'$q$,
        $q$SELECT set_config('auth_store.principal', '{}', true)$q$,
        $q$SELECT set_config('auth_store.principal', '{}', false)$q$,
        $q$ALTER ROLE principal_web SET auth_store.principal = '{}'$q$,
        $q$ALTER DATABASE auth_store_regress SET auth_store.principal = '{}'$q$,
        $q$ALTER SYSTEM SET auth_store.principal = '{}'$q$,
        $q$CREATE FUNCTION pg_temp.f() RETURNS void SET auth_store.principal = '{}' LANGUAGE sql AS ''$q$,
        $q$UPDATE pg_settings SET setting = '{}' WHERE name = 'auth_store.principal'$q$])
    LOOP
        result := pg_temp.raised(attempt);
        RETURN NEXT;
    END LOOP;
END $$;
BEGIN;
SELECT ok FROM auth_store.authenticate(:'access');
SELECT attempt, substr(result, 1, 5) AS state FROM pg_temp.forge();
SET LOCAL ROLE principal_web;
SELECT attempt, substr(result, 1, 5) AS state FROM pg_temp.forge() WHERE attempt NOT LIKE 'ALTER SYSTEM%';
-- Nor is it shown to the application's role, who goes on under it.
SELECT name FROM pg_settings WHERE name = 'auth_store.principal';
SELECT left(pg_temp.raised('SHOW auth_store.principal'), 5) AS shown,
       left(pg_temp.raised($$SELECT current_setting('auth_store.principal')$$), 5) AS read;
SELECT me, read, pack FROM pg_temp.me;
-- RESET ALL is nobody.
RESET ALL;
SELECT auth_store.current_user_id(), auth_store.current_tenant_id();
ROLLBACK;
SELECT set_config('test.ann', :'ann', false) = :'ann', set_config('test.bob', :'bob', false) = :'bob';
-- A superuser who takes the value of one transaction into another, or another session user, has nothing of it.
BEGIN;
SELECT ok FROM auth_store.authenticate(:'access');
SELECT pg_temp.raised(format('SET auth_store.principal = %L', current_setting('auth_store.principal'))) LIKE '42501%';
SET LOCAL SESSION AUTHORIZATION principal_web;
SELECT auth_store.current_user_id(), auth_store.current_tenant_id(), auth_store.current_has_scope('read');
RESET SESSION AUTHORIZATION;
SELECT me FROM pg_temp.me;
COMMIT;
-- SECURITY DEFINER: the function's owner runs it, the user is the same.
CREATE FUNCTION pg_temp.definer() RETURNS uuid LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'SELECT auth_store.current_user_id()';
CREATE FUNCTION pg_temp.log_in(token text) RETURNS boolean LANGUAGE sql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp AS 'SELECT ok FROM auth_store.authenticate(token)';
BEGIN;
SELECT pg_temp.log_in(:'bobs');
SELECT pg_temp.definer() = :'bob' AS definer, me FROM pg_temp.me;
COMMIT;

-- What happens to the token while the transaction lasts: the next statement's recheck sees it, and its end.
BEGIN;
SELECT ok FROM auth_store.authenticate(:'bobs');
UPDATE auth_store.users SET status = 'suspended' WHERE id = :'ann';
SELECT me, stands FROM pg_temp.me;
SELECT auth_store.user_grants_revoke(:'bob');
SELECT me, stands FROM pg_temp.me;
ROLLBACK;
BEGIN;
SELECT ok FROM auth_store.authenticate(:'cookie');
SELECT stands FROM pg_temp.me;
UPDATE auth_store.users SET status = 'suspended' WHERE id = :'ann';
SELECT me, stands, pack FROM pg_temp.me;
ROLLBACK;
BEGIN;
SELECT ok FROM auth_store.authenticate(:'key', ip => '192.0.2.1');
SELECT stands, pack FROM pg_temp.me;
SELECT auth_store.api_key_revoke(:'key_id'), auth_store.role_unassign(:'ann', 'packer');
SELECT me, stands, pack FROM pg_temp.me;
ROLLBACK;
BEGIN;
UPDATE auth_store.api_keys SET expires_at = clock_timestamp() + interval '300 ms' WHERE id = :'key_id';
SELECT ok FROM auth_store.authenticate(:'key', ip => '192.0.2.1');
SELECT me FROM pg_temp.me;
SELECT pg_sleep(0.4);
SELECT me, tenant, read, pack, stands FROM pg_temp.me;
ROLLBACK;

-- What policies call is STABLE and let into parallel queries: IMMUTABLE would give one user the rows of another.
SELECT proname, provolatile, proparallel, prosecdef FROM pg_proc
 WHERE pronamespace = 'auth_store'::regnamespace AND proname ~ '^(current|principal)_' ORDER BY proname COLLATE "C";
REVOKE ALL ON pg_temp.me FROM principal_web;
DROP OWNED BY principal_web;
DROP ROLE principal_web;
