-- A function of one row in FROM is called by a node of the store's own. Whatever a statement does with it, the rows are
-- those of a FunctionScan, and so are the calls, the privileges and the errors.
\i tests/sql/include/helpers.sql

SELECT client_id FROM auth_store.client_create('Scan', ARRAY['https://scan.example/cb'], 'public', client_id => 'scan',
    scope => 'read write');
SELECT auth_store.user_ensure('scan') AS u \gset
CREATE TABLE kept (n int PRIMARY KEY, token text, v varchar);
INSERT INTO kept
SELECT n, access_token, 'a varchar'
  FROM generate_series(1, 3) AS n, LATERAL auth_store.token_issue('scan', :'u', scope => 'read',
    claims => jsonb_build_object('n', n));
INSERT INTO kept VALUES (4, 'nonsense'), (5, NULL);
SELECT auth_store.token_revoke(token, 'scan') AS revoked FROM kept WHERE n = 2;
ANALYZE kept;

-- The node of a statement's plan, and its rows with the setting on and off: once where they are the same.
CREATE FUNCTION pg_temp.plan(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    plan text;
    line text;
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
        plan := pg_catalog.concat(plan, line);
    END LOOP;
    RETURN pg_catalog.concat_ws(' and ', CASE WHEN plan LIKE '%Function Scan%' THEN 'FunctionScan' END,
        CASE WHEN plan LIKE '%auth_store function%' THEN 'own' END);
END $$;
CREATE FUNCTION pg_temp.both(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    direct jsonb;
    by_scan jsonb;
    nodes text;
BEGIN
    FOREACH nodes IN ARRAY ARRAY['off', 'on'] LOOP
        PERFORM pg_catalog.set_config('auth_store.direct_function_scan', nodes, true);
        by_scan := direct;
        nodes := pg_temp.plan(query);
        EXECUTE pg_catalog.format('SELECT jsonb_agg(to_jsonb(q)) FROM (%s) AS q', query) INTO direct;
    END LOOP;
    RETURN pg_catalog.concat_ws(', ', nodes, coalesce(pg_catalog.jsonb_array_length(direct), 0) || ' rows',
        CASE WHEN direct IS DISTINCT FROM by_scan THEN pg_catalog.format('%s, not %s', direct, by_scan)
             ELSE 'same' END);
END $$;

-- Columns: all, some in another order, one twice, none; a filter on another one; expressions; whole rows.
SELECT t.n, pg_temp.both(format('SELECT %s FROM auth_store.token_introspect(%L) AS i %s', what, token, clauses))
  FROM (VALUES (1, '*', ''), (2, 'client_id, active', ''), (3, 'scope, active, scope AS again', ''), (4, '', ''),
    (5, 'count(*)', ''), (6, 'user_id', 'WHERE active'), (7, 'user_id', 'WHERE NOT active AND i IS NOT NULL'),
    (8, 'active::text || coalesce(scope, ''none'') AS a, claims->>''n'' AS n', ''), (9, 'i', ''),
    (10, 'to_jsonb(i), i.scope, (i).active', ''), (11, 'i IS NULL AS a, i IS NOT NULL AS b, i.*', ''),
    (12, '1 AS one', 'ORDER BY jti'), (13, 'max(scope)', 'GROUP BY client_id HAVING bool_or(active)'),
    (14, 'row_number() OVER (PARTITION BY active), scope', 'LIMIT 1'), (15, 'DISTINCT active', 'OFFSET 1'),
    (16, 'token_type', 'WHERE i.scope = ANY (ARRAY[''read'', ''write''])'),
    (17, 'audience, authorization_details, cnf', '')) AS t (n, what, clauses), kept k
 WHERE k.n IN (1, 4) ORDER BY t.n, k.n;
-- Every function of one row that the store has.
SELECT p.proname FROM pg_proc p JOIN pg_type t ON t.oid = p.prorettype
 WHERE p.pronamespace = 'auth_store'::regnamespace
   AND CASE WHEN p.prokind = 'f' AND t.typtype = 'c' AND NOT p.proretset THEN pg_temp.plan(
        format('SELECT FROM auth_store.%I(%s)', p.proname, (
            SELECT string_agg(format('(SELECT NULL::%s)', CASE a.typtype WHEN 'p' THEN 'text' ELSE a.oid::regtype::text
                                                           END), ', ' ORDER BY o.n)
              FROM unnest(p.proargtypes) WITH ORDINALITY AS o (oid, n) JOIN pg_type a USING (oid)))) <> 'own' END;

-- Arguments: columns of other tables, subqueries of both kinds, calls that return rows themselves, parameters.
SELECT n, pg_temp.both(query) FROM (VALUES
    (1, 'SELECT k.n, i.* FROM kept k, LATERAL auth_store.token_introspect(k.token) i ORDER BY k.n'),
    (2, 'SELECT k.n, i.active FROM kept k LEFT JOIN LATERAL auth_store.token_introspect(k.token) i ON i.active
          ORDER BY k.n'),
    (3, 'SELECT k.n, i.active FROM kept k LEFT JOIN LATERAL auth_store.token_introspect(k.token) i ON k.n = 3
          ORDER BY k.n'),
    (4, 'SELECT * FROM auth_store.token_introspect((SELECT token FROM kept WHERE n = 1))'),
    (5, 'SELECT k.n, i FROM kept k, LATERAL auth_store.token_introspect(
           (SELECT token FROM kept l WHERE l.n = k.n % 3 + 1)) i ORDER BY k.n'),
    (6, 'SELECT k.n, (SELECT i.active FROM auth_store.token_introspect(k.token) i) FROM kept k ORDER BY k.n'),
    (7, 'SELECT k.n, (SELECT i.scope FROM auth_store.token_introspect(k.token) i WHERE i.active AND k.n < 3)
           FROM kept k ORDER BY k.n'),
    (8, 'SELECT k.n FROM kept k WHERE EXISTS (SELECT FROM auth_store.token_introspect(k.token) i WHERE i.active)
          ORDER BY k.n'),
    (9, 'SELECT k.n FROM kept k WHERE (true, k.n) IN (SELECT i.active, k.n
           FROM auth_store.token_introspect(k.token) i) ORDER BY k.n'),
    (10, 'SELECT i.active, j.active AS nested FROM kept k, LATERAL auth_store.token_introspect(k.token) i,
           LATERAL auth_store.token_introspect((auth_store.token_introspect(k.token)).jti::text) j ORDER BY k.n'),
    (11, 'SELECT i.active, v.valid FROM kept k, LATERAL auth_store.token_introspect(k.token) i,
           LATERAL auth_store.session_validate(i.scope) v ORDER BY k.n'),
    (12, 'SELECT k.n, coalesce(i.scope, k.v) FROM kept k LEFT JOIN (kept l JOIN LATERAL
           auth_store.token_introspect(l.token) i ON true) ON k.n = l.n AND i.active ORDER BY k.n'),
    (13, 'SELECT i.active FROM kept k, auth_store.token_introspect(k.v) i ORDER BY k.n'),
    (14, 'SELECT i.n, s.active FROM generate_series(1, 3) AS i (n), LATERAL (SELECT j.active FROM kept k,
           LATERAL auth_store.token_introspect(k.token || left(i.n::text, 0)) j WHERE k.n = i.n) s ORDER BY i.n')
    ) AS q (n, query) ORDER BY n;
-- Rows that are wanted again without another call: the inner side of a nested loop, also one that a parameter filters.
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SET enable_material = off;
SELECT n, pg_temp.both(query) FROM (VALUES
    (1, 'SELECT k.n, i.scope FROM kept k LEFT JOIN auth_store.token_introspect(''nonsense'') i
             ON k.n = 3 OR i.active ORDER BY k.n'),
    (2, 'SELECT k.n, (SELECT v.error FROM auth_store.session_validate(''x'') v WHERE NOT v.valid AND k.n <> 2)
           FROM kept k ORDER BY k.n'),
    (3, 'SELECT k.n, l.n AS m, i.active FROM kept k LEFT JOIN LATERAL (SELECT * FROM kept l WHERE l.n > k.n) l ON true
           LEFT JOIN auth_store.token_introspect(''x'') i ON l.n = 4 ORDER BY k.n, l.n')
    ) AS q (n, query) ORDER BY n;
RESET enable_hashjoin;
RESET enable_mergejoin;
RESET enable_material;
-- Set operations, WITH, views, rows locked and changed beside it.
CREATE VIEW seen_tokens AS SELECT k.n, i.* FROM kept k, LATERAL auth_store.token_introspect(k.token) i;
CREATE VIEW guarded WITH (security_barrier) AS SELECT active, scope FROM auth_store.token_introspect('nonsense');
SELECT n, pg_temp.both(query) FROM (VALUES
    (1, 'SELECT active FROM auth_store.token_introspect(''a'') UNION ALL
         SELECT valid FROM auth_store.session_validate(''b'')'),
    (2, 'WITH i AS MATERIALIZED (SELECT * FROM auth_store.token_introspect(''a'')) SELECT * FROM i, i AS j'),
    (3, 'SELECT n, active, scope FROM seen_tokens WHERE active OR n = 4 ORDER BY n'),
    (4, 'SELECT s FROM seen_tokens s ORDER BY n'),
    (5, 'SELECT * FROM guarded WHERE NOT active AND scope IS NULL'),
    (6, 'SELECT k.n, i.active FROM kept k, LATERAL auth_store.token_introspect(k.token) i
          ORDER BY k.n FOR UPDATE OF k'),
    (7, 'SELECT k.n, i FROM kept k, auth_store.token_introspect(''a'') i ORDER BY k.n FOR SHARE OF k'),
    (8, 'SELECT * FROM (SELECT * FROM auth_store.token_introspect(''a'') UNION ALL
                        SELECT * FROM auth_store.token_introspect(''b'')) AS i WHERE i.scope IS NULL'),
    (9, 'SELECT i.active, j.valid FROM auth_store.token_introspect(''a'') i
           FULL JOIN auth_store.session_validate(''b'') j ON i.active = j.valid')
    ) AS q (n, query) ORDER BY n;
BEGIN;
UPDATE kept k SET v = i.active FROM auth_store.token_introspect('nonsense') i WHERE k.n < 3 AND NOT i.active
RETURNING k.n, k.v, i.active, i IS NULL AS null_row;
WITH changed AS (
    UPDATE kept k SET v = (i.claims->>'n') || 'th' FROM kept l, LATERAL auth_store.token_introspect(l.token) i
     WHERE l.n = k.n AND i.active RETURNING k.n, k.v)
SELECT * FROM changed ORDER BY n;
DELETE FROM kept k USING auth_store.token_introspect('nonsense') i WHERE k.n = 5 AND i.scope IS NULL RETURNING k.n;
INSERT INTO kept SELECT 6, i.token_type, i.active FROM auth_store.token_introspect('nonsense') i RETURNING *;
MERGE INTO kept k USING auth_store.token_introspect('nonsense') i ON k.n = 6 AND NOT i.active
 WHEN MATCHED THEN UPDATE SET v = 'merged';
SELECT v FROM kept WHERE n = 6;
CREATE TABLE taken AS SELECT i, i.active FROM auth_store.token_introspect('nonsense') i;
SELECT * FROM taken;
ROLLBACK;

-- What is left to the server: several functions, numbered rows, sets, columns defined by the statement, a value that is
-- no row, a function that is no row's of the store.
SELECT n, pg_temp.both(query) FROM (VALUES
    (1, 'SELECT active, valid FROM ROWS FROM (auth_store.token_introspect(''a''), auth_store.session_validate(''b''))'),
    (2, 'SELECT active, ordinality FROM auth_store.token_introspect(''a'') WITH ORDINALITY'),
    (3, 'SELECT count(*) > 0 FROM auth_store.client_list()'),
    (4, 'SELECT * FROM auth_store.token_introspection(''a'')'),
    (5, 'SELECT * FROM jsonb_to_record(''{"a": 1}'') AS t (a int)')
    ) AS q (n, query) ORDER BY n;
-- Outside of FROM nothing is another.
SELECT n, pg_temp.both(query) FROM (VALUES
    (1, 'SELECT auth_store.token_introspect(token) FROM kept'),
    (2, 'SELECT (auth_store.token_introspect(token)).* FROM kept')) AS q (n, query) ORDER BY n;

-- A function that changes something is called as often as before: for each row where an argument is the row's, else
-- once.
PREPARE once (text) AS
 SELECT k.n, r.remaining FROM kept k LEFT JOIN auth_store.rate_limit_hit($1, 9, '1 h') r ON k.n > 2 ORDER BY 1;
PREPARE each (text) AS
 SELECT k.n, r.remaining FROM kept k, LATERAL auth_store.rate_limit_hit($1, 9 + k.n * 0, '1 h') r
  ORDER BY r.remaining DESC;
PREPARE filtered (text) AS
 SELECT k.n, (SELECT r.remaining FROM auth_store.rate_limit_hit($1, 9, '1 h') r WHERE r.allowed AND k.n <> 2)
   FROM kept k ORDER BY k.n;
SET auth_store.direct_function_scan = on;
EXECUTE once('once on');
EXECUTE each('each on');
EXECUTE filtered('filtered on');
EXPLAIN (COSTS OFF) EXECUTE each('');
DISCARD PLANS;
SET auth_store.direct_function_scan = off;
EXECUTE once('once off');
EXECUTE each('each off');
EXECUTE filtered('filtered off');
SET auth_store.direct_function_scan = on;
DISCARD PLANS;

-- What EXPLAIN says.
EXPLAIN (COSTS OFF) SELECT active FROM auth_store.token_introspect('nonsense') AS i WHERE scope IS NULL;
SET enable_memoize = off;
EXPLAIN (COSTS OFF, VERBOSE) SELECT k.n, i.active, i.scope || 'x' FROM kept k, auth_store.token_introspect(k.token) i;
RESET enable_memoize;
CREATE FUNCTION pg_temp.explained(query text) RETURNS TABLE (said text) LANGUAGE plpgsql AS $$
DECLARE
    plan jsonb;
BEGIN
    EXECUTE 'EXPLAIN (ANALYZE, VERBOSE, TIMING OFF, FORMAT JSON) ' || query INTO plan;
    RETURN QUERY SELECT key || ': ' || (value #>> '{}') FROM jsonb_each(plan #> '{0,Plan}')
     WHERE key IN ('Node Type', 'Custom Plan Provider', 'Function Name', 'Schema', 'Alias', 'Function Call', 'Output',
        'Filter', 'Rows Removed by Filter', 'Actual Rows', 'Actual Loops') ORDER BY key;
END $$;
SELECT regexp_replace(said, '(\d)\.0+$', '\1') AS said
  FROM pg_temp.explained('SELECT i FROM auth_store.token_introspect(''nonsense'') i WHERE i.active');
SELECT regexp_replace(said, '(\d)\.0+$', '\1') AS said
  FROM pg_temp.explained('SELECT scope, active FROM auth_store.token_introspect(NULL)');
SET auth_store.direct_function_scan = off;
EXPLAIN (COSTS OFF) SELECT active FROM auth_store.token_introspect('nonsense') AS i WHERE scope IS NULL;
SET auth_store.direct_function_scan = on;

-- Prepared statements: planned for values and for any, a parameter of another type, after the function was altered.
PREPARE state (text) AS SELECT active, scope FROM auth_store.token_introspect($1);
SELECT token FROM kept WHERE n = 1 \gset
SET plan_cache_mode = force_generic_plan;
EXPLAIN (COSTS OFF, VERBOSE) EXECUTE state('x');
EXECUTE state(:'token');
EXECUTE state(NULL);
EXECUTE state('nonsense');
PREPARE narrow (varchar) AS SELECT active FROM auth_store.token_introspect($1);
EXECUTE narrow(:'token');
SET plan_cache_mode = force_custom_plan;
EXPLAIN (COSTS OFF, VERBOSE) EXECUTE state('x');
EXECUTE state(:'token');
RESET plan_cache_mode;
-- NULL instead of a row is a row of NULLs.
BEGIN;
ALTER FUNCTION auth_store.token_introspect(text) STRICT;
EXECUTE state(NULL);
EXECUTE state('nonsense');
SELECT pg_temp.both('SELECT k.n, i, i IS NULL AS nothing, i.active FROM kept k,
    LATERAL auth_store.token_introspect(k.token) i ORDER BY k.n');
ROLLBACK;
-- PL/pgSQL gives its variables one by one; an error in a call leaves nothing behind for the next.
DO $$
DECLARE
    t text;
    state auth_store.token_state;
    failed text;
BEGIN
    FOR t IN SELECT token FROM public.kept ORDER BY n LOOP
        SELECT * INTO state FROM auth_store.token_introspect(t);
        BEGIN
            SELECT remaining::text INTO failed FROM auth_store.rate_limit_hit(t, NULL);
        EXCEPTION WHEN OTHERS THEN
            failed := SQLSTATE;
        END;
        RAISE NOTICE '% %, failed: %', state.active, state.scope, failed;
    END LOOP;
END $$;
SELECT setting, pg_temp.raised('SELECT * FROM auth_store.rate_limit_hit(''a'', NULL)')
  FROM (VALUES ('on'), ('off')) AS s (setting),
       LATERAL (SELECT set_config('auth_store.direct_function_scan', setting, false)) AS c;
SET auth_store.direct_function_scan = on;

-- A type that somebody has altered since the plan was made.
BEGIN;
PREPARE altered AS SELECT allowed, retry_after FROM auth_store.rate_limit_hit('altered', 50, '1 h');
PREPARE whole AS SELECT r IS NULL AS nothing FROM auth_store.rate_limit_hit('altered', 50, '1 h') r;
SET LOCAL plan_cache_mode = force_generic_plan;
EXECUTE altered;
ALTER TYPE auth_store.rate_limit_verdict ADD ATTRIBUTE more text;
SAVEPOINT more;
EXECUTE altered;
ROLLBACK TO more;
EXECUTE whole;
ROLLBACK TO more;
SET LOCAL auth_store.direct_function_scan = off;
SELECT allowed, retry_after FROM auth_store.rate_limit_hit('altered', 50, '1 h');
ROLLBACK TO more;
ALTER TYPE auth_store.rate_limit_verdict DROP ATTRIBUTE more;
EXECUTE altered;
ROLLBACK;
EXECUTE altered;

-- Privileges are those of the caller at the call, also of a plan that was made before.
CREATE ROLE scan_reader;
GRANT SELECT ON kept TO scan_reader;
SET ROLE scan_reader;
EXECUTE state('nonsense');
EXPLAIN (COSTS OFF) SELECT * FROM auth_store.token_introspect('nonsense');
RESET ROLE;
GRANT USAGE ON SCHEMA auth_store TO scan_reader;
GRANT EXECUTE ON FUNCTION auth_store.token_introspect(text) TO scan_reader;
SET ROLE scan_reader;
EXECUTE state('nonsense');
RESET ROLE;
REVOKE EXECUTE ON FUNCTION auth_store.token_introspect(text) FROM scan_reader;
SET ROLE scan_reader;
EXECUTE state('nonsense');
RESET ROLE;
SET auth_store.direct_function_scan = off;
SET ROLE scan_reader;
SELECT active FROM auth_store.token_introspect('nonsense');
RESET ROLE;
SET auth_store.direct_function_scan = on;
REVOKE ALL ON SCHEMA auth_store FROM scan_reader;
REVOKE ALL ON kept FROM scan_reader;
DROP ROLE scan_reader;

-- Cursors: there and back, kept over the end of the transaction, at a place again.
BEGIN;
DECLARE back CURSOR FOR SELECT active FROM auth_store.token_introspect('nonsense');
FETCH ALL back;
FETCH BACKWARD ALL back;
FETCH BACKWARD 1 back;
FETCH NEXT back;
FETCH LAST back;
FETCH PRIOR back;
DECLARE far SCROLL CURSOR FOR SELECT k.n, i.active FROM kept k, LATERAL auth_store.token_introspect(k.token) i
 ORDER BY k.n;
FETCH 2 far;
FETCH BACKWARD 1 far;
FETCH ABSOLUTE 3 far;
DECLARE held CURSOR WITH HOLD FOR SELECT i, i.active FROM auth_store.token_introspect('nonsense') i;
COMMIT;
FETCH ALL held;
CLOSE held;

-- Statistics of functions.
BEGIN;
SET LOCAL track_functions = 'all';
SELECT count(*) FROM kept k, LATERAL auth_store.token_introspect(k.token) i;
SELECT calls FROM pg_stat_xact_user_functions WHERE schemaname = 'auth_store' AND funcname = 'token_introspect';
ROLLBACK;

-- Memory: what one call leaves is gone before the next.
BEGIN;
DECLARE many CURSOR FOR SELECT i.active, i FROM generate_series(1, 20000) AS n,
    LATERAL auth_store.token_introspect(CASE n % 2 WHEN 0 THEN :'token' ELSE n::text END) i;
MOVE 2000 IN many;
SELECT sum(used_bytes) AS used FROM pg_backend_memory_contexts \gset
MOVE 18000 IN many;
SELECT sum(used_bytes) - :used < 100000 AS flat FROM pg_backend_memory_contexts;
ROLLBACK;

-- Parallel workers read the node from a text and find its functions by name.
SELECT set_config(name, 'on', false) AS forced FROM pg_settings
 WHERE name IN ('debug_parallel_query', 'force_parallel_mode');
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
EXPLAIN (COSTS OFF) SELECT active, scope FROM auth_store.token_introspect('nonsense') WHERE scope IS NULL;
SELECT active, scope FROM auth_store.token_introspect(:'token');
EXECUTE state(:'token');
SELECT k.n, i.active, i.claims->'n' AS of_claims, i IS NULL AS nothing
  FROM kept k, LATERAL auth_store.token_introspect((SELECT token FROM kept l WHERE l.n = k.n)) i ORDER BY k.n;
SELECT pg_temp.both('SELECT k.n, i FROM kept k, LATERAL auth_store.token_introspect(k.token) i ORDER BY k.n');
RESET ALL;
DROP VIEW seen_tokens, guarded;
DROP TABLE kept;
