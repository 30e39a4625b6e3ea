-- Each kind in turns, so that whatever else the machine does falls on all of them: medians of the rounds.
\set QUIET on
SET client_min_messages = warning;
SET max_parallel_workers_per_gather = 0;
CREATE TEMP TABLE taken (kind text, form text, round integer, micros float);
CREATE TEMP TABLE plans (kind text, form text, plan text);
GRANT SELECT ON taken TO PUBLIC;

-- Milliseconds of one scan, by the server's own clock.
CREATE FUNCTION pg_temp.scan(form name, kind text, round integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    told json;
BEGIN
    EXECUTE format('SET LOCAL ROLE %I', form);
    EXECUTE 'EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) SELECT count(*) FROM documents' INTO told;
    SET LOCAL ROLE NONE;
    INSERT INTO taken VALUES (kind, form, round, (told -> 0 ->> 'Execution Time')::float * 1000);
    IF round = 1 THEN
        INSERT INTO plans SELECT kind, form, string_agg(m[1], ', ')
          FROM regexp_matches(told::text, '"Node Type": "([^"]+)"', 'g') m;
    END IF;
END $$;
-- Microseconds of one statement, of so many.
CREATE FUNCTION pg_temp.calls(form text, kind text, round integer, call text, n integer) RETURNS void
    LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format($f$
        CREATE OR REPLACE FUNCTION pg_temp.run() RETURNS float LANGUAGE plpgsql AS $run$
        DECLARE
            began timestamptz;
            made record;
            answer text;
        BEGIN
            SELECT * INTO made FROM made;
            SET LOCAL ROLE %I;
            began := clock_timestamp();
            FOR i IN 1 .. %s LOOP
                %s;
            END LOOP;
            RETURN extract(epoch FROM clock_timestamp() - began) * 1e6 / %2$s;
        END $run$ $f$, CASE WHEN kind = 'index' THEN form ELSE current_user END, n, call);
    INSERT INTO taken SELECT kind, form, round, pg_temp.run();
    SET LOCAL ROLE NONE;
END $$;

-- Everything is read once beforehand, and every form has run.
SELECT set_config('request.jwt.claims', json_build_object('sub', owner, 'role', 'authenticated', 'aud', 'authenticated',
           'email', 'owner@example.com', 'app_metadata', json_build_object('provider', 'email'))::text, false),
       set_config('app.user_id', owner::text, false) FROM made \gset _
BEGIN;
SELECT ok FROM made, auth_store.authenticate(token) \gset
SET LOCAL enable_indexscan = off;
SET LOCAL enable_indexonlyscan = off;
SET LOCAL enable_bitmapscan = off;
SELECT pg_temp.scan(role, 'warm', 0) FROM forms, generate_series(1, 2) \g /dev/null
SELECT pg_temp.scan(role, 'serial', r) FROM generate_series(1, :rounds) r, forms ORDER BY r \g /dev/null
SET LOCAL max_parallel_workers_per_gather = 2;
SET LOCAL parallel_setup_cost = 0;
SELECT pg_temp.scan(role, 'parallel', r) FROM generate_series(1, :rounds) r, forms ORDER BY r \g /dev/null
SET LOCAL max_parallel_workers_per_gather = 0;
SET LOCAL enable_indexscan = on;
SET LOCAL enable_indexonlyscan = on;
SELECT pg_temp.calls(role, 'index', r, 'SELECT count(*) INTO answer FROM documents', 400)
  FROM generate_series(1, :rounds) r, forms WHERE policy LIKE 'owner%' ORDER BY r \g /dev/null
SELECT pg_temp.calls(form, 'call', r, call, 4000) FROM generate_series(1, :rounds) r, (VALUES
    ('user_has_permission', $$SELECT auth_store.user_has_permission(made.owner, 'invoices:read', 'default')
                                INTO answer$$),
    ('join', $$SELECT EXISTS (SELECT FROM plain_user_roles u
                                JOIN plain_roles r ON r.tenant_id = u.tenant_id AND r.name = u.role,
                                     unnest(r.effective) p
                               WHERE u.user_id = made.owner AND u.tenant_id = 'default'
                                 AND (u.expires_at IS NULL OR u.expires_at > clock_timestamp())
                                 AND (p = 'invoices:read' OR p = '*'
                                      OR right(p, 2) = ':*' AND starts_with('invoices:read', left(p, -1))))
                 INTO answer$$),
    ('token_authorize', 'SELECT active INTO answer FROM auth_store.token_authorize(made.token)'),
    ('authenticate', 'SELECT ok INTO answer FROM auth_store.authenticate(made.token)')) c (form, call)
 ORDER BY r \g /dev/null
COMMIT;

CREATE TEMP VIEW medians AS
    SELECT kind, form, percentile_cont(0.5) WITHIN GROUP (ORDER BY micros) AS micros FROM taken GROUP BY kind, form;
\set QUIET off
\pset format aligned
\pset tuples_only off
\echo == a row of a policy: ratio to the literal, and nanoseconds more of a row
SELECT m.kind, m.form, round((m.micros / 1000)::numeric, 1) AS ms, round((m.micros / l.micros)::numeric, 2) AS ratio,
       round(((m.micros - l.micros) * 1000 / (SELECT count(*) FROM documents))::numeric, 1) AS ns, p.plan
  FROM medians m
  JOIN medians l ON l.kind = m.kind
                AND l.form = CASE WHEN m.form LIKE '%\_each' THEN 'all_each' WHEN m.form = 'permission' THEN 'all'
                                  WHEN m.form = 'all' THEN 'all' ELSE 'literal' END
  LEFT JOIN plans p ON p.kind = m.kind AND p.form = m.form
 WHERE m.kind IN ('serial', 'parallel') ORDER BY m.kind DESC, ratio;
\echo == by the index: ratio to the literal
SELECT m.form, round(m.micros::numeric, 1) AS micros, round((m.micros / l.micros)::numeric, 2) AS ratio
  FROM medians m, medians l WHERE m.kind = 'index' AND l.kind = 'index' AND l.form = 'literal' ORDER BY ratio;
\echo == of a row: how many times what current_user_id() takes does uid() take
SELECT kind, round(((u.micros - l.micros) / greatest(e.micros - l.micros, 1))::numeric, 1) AS times
  FROM medians u JOIN medians l USING (kind) JOIN medians e USING (kind)
 WHERE u.form = 'uid' AND l.form = 'literal' AND e.form = 'each' AND kind IN ('serial', 'parallel');
\echo == of a call
SELECT a.form, round(a.micros::numeric, 1) AS micros, b.form AS beside, round(b.micros::numeric, 1) AS its_micros,
       round((a.micros / b.micros)::numeric, 2) AS ratio
  FROM medians a JOIN medians b USING (kind)
 WHERE (a.form, b.form) IN (('user_has_permission', 'join'), ('authenticate', 'token_authorize'));
