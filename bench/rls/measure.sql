-- Each kind in turns, and the least time of all rounds: whatever else the machine does only adds.
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
        END $run$ $f$, CASE WHEN kind LIKE 'index%' THEN form ELSE current_user END, n, call);
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
-- By the index to the rows, as a query that shows them; and to none, where what a statement needs to start is most.
SELECT pg_temp.calls(role, kind, r, call, 400) FROM generate_series(1, :rounds) r, forms,
    (VALUES ('index', 'SELECT count(title) INTO answer FROM documents'),
            ('index_only', 'SELECT count(*) INTO answer FROM documents')) i (kind, call)
 WHERE policy LIKE 'owner%' ORDER BY r \g /dev/null
SELECT pg_temp.calls(form, 'call', r, call, 4000) FROM generate_series(1, :rounds) r, (VALUES
    ('user_has_permission', $$SELECT auth_store.user_has_permission(made.owner, 'invoices:read', 'default')
                                INTO answer$$),
    ('join', $$WITH RECURSIVE held AS (
                   SELECT u.tenant_id, u.role FROM plain_user_roles u
                     JOIN plain_users p ON p.id = u.user_id JOIN plain_tenants t ON t.id = u.tenant_id
                    WHERE u.user_id = made.owner AND u.tenant_id = 'default' AND p.status = 'active'
                      AND t.status = 'active' AND (u.expires_at IS NULL OR u.expires_at > clock_timestamp())
                   UNION
                   SELECT i.tenant_id, i.inherited FROM held h JOIN plain_inherits i USING (tenant_id, role))
               SELECT EXISTS (SELECT FROM held JOIN plain_permissions p USING (tenant_id, role)
                               WHERE p.permission IN ('invoices:read', 'invoices:*', '*')) INTO answer$$),
    ('join_of_lists', $$SELECT EXISTS (SELECT FROM plain_user_roles u
                     JOIN plain_users p ON p.id = u.user_id JOIN plain_tenants t ON t.id = u.tenant_id
                     JOIN plain_roles r ON r.tenant_id = u.tenant_id AND r.name = u.role
                    WHERE u.user_id = made.owner AND u.tenant_id = 'default' AND p.status = 'active'
                      AND t.status = 'active' AND (u.expires_at IS NULL OR u.expires_at > clock_timestamp())
                      AND r.effective && '{invoices:read,invoices:*,*}') INTO answer$$),
    ('nothing', 'SELECT true INTO answer'),
    ('token_authorize', 'SELECT active INTO answer FROM auth_store.token_authorize(made.token)'),
    ('authenticate', 'SELECT ok INTO answer FROM auth_store.authenticate(made.token)')) c (form, call)
 ORDER BY r \g /dev/null
COMMIT;

CREATE TEMP VIEW least AS SELECT kind, form, min(micros) AS micros FROM taken GROUP BY kind, form;
\set QUIET off
\pset format aligned
\pset tuples_only off
\echo == a row of a policy: ratio to the literal, and nanoseconds more of a row
SELECT m.kind, m.form, round((m.micros / 1000)::numeric, 1) AS ms, round((m.micros / l.micros)::numeric, 2) AS ratio,
       round(((m.micros - l.micros) * 1000 / (SELECT count(*) FROM documents))::numeric, 1) AS ns, p.plan
  FROM least m
  JOIN least l ON l.kind = m.kind
                AND l.form = CASE WHEN m.form LIKE '%\_each' THEN 'all_each' WHEN m.form = 'permission' THEN 'all'
                                  WHEN m.form = 'all' THEN 'all' ELSE 'literal' END
  LEFT JOIN plans p ON p.kind = m.kind AND p.form = m.form
 WHERE m.kind IN ('serial', 'parallel') ORDER BY m.kind DESC, ratio;
\echo == by the index: ratio to the literal
SELECT kind, m.form, round(m.micros::numeric, 1) AS micros, round((m.micros / l.micros)::numeric, 2) AS ratio
  FROM least m JOIN least l USING (kind) WHERE kind LIKE 'index%' AND l.form = 'literal' ORDER BY kind, ratio;
\echo == of a row: how many times what current_user_id() takes does uid() take
SELECT kind, round(((u.micros - l.micros) / greatest(e.micros - l.micros, 1))::numeric, 1) AS times
  FROM least u JOIN least l USING (kind) JOIN least e USING (kind)
 WHERE u.form = 'uid' AND l.form = 'literal' AND e.form = 'each' AND kind IN ('serial', 'parallel');
\echo == of a call
SELECT a.form, round(a.micros::numeric, 1) AS micros, b.form AS beside, round(b.micros::numeric, 1) AS its_micros,
       round((a.micros / b.micros)::numeric, 2) AS ratio
  FROM least a JOIN least b USING (kind)
 WHERE (a.form, b.form) IN (('user_has_permission', 'join'), ('user_has_permission', 'join_of_lists'),
                            ('authenticate', 'token_authorize'), ('nothing', 'user_has_permission'));
