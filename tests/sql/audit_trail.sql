-- The whole trail, by what a row is about, page by page.
\i tests/sql/include/helpers.sql
\pset null NULL
SELECT auth_store.tenant_create('trail', 'Trail') IS NOT NULL AS made;
SELECT user_id FROM auth_store.user_create('trail@example.com', tenant_id => 'trail') \gset

-- 1. A thousand rows of two months ago, and some of now.
SELECT auth_store.partitions_make(ARRAY['audit_log_y' || to_char(now() AT TIME ZONE 'UTC' - interval '2 months',
    'YYYY"m"MM')]) IS NOT NULL AS made;
SELECT date_trunc('month', now() AT TIME ZONE 'UTC' - interval '2 months') AT TIME ZONE 'UTC' AS old \gset
INSERT INTO auth_store.audit_log (id, occurred_at, success, user_id, tenant_id, event, client_id, error, flags, ip,
    details)
SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '8000800000000000' || lpad(to_hex(n), 4, '0'))
           ::uuid,
       at, n % 10 <> 0, CASE WHEN n % 100 = 7 THEN :'user_id'::uuid END, 'trail', 'trail.step' || n % 4,
       'trail_client' || n % 50, CASE WHEN n % 10 = 0 THEN 'odd' END, CASE WHEN n % 250 = 0 THEN '{a,b}'::text[] END,
       ('192.0.2.' || n % 200)::inet, CASE WHEN n % 20 = 0 THEN jsonb_build_object('n', n, 'kind', 'k' || n % 3) END
  FROM (SELECT n, :'old'::timestamptz + n * interval '30 min' AS at FROM generate_series(1, 1000) n) s;
SELECT count(auth_store.audit_write('trail.new', user_id => :'user_id', ip => '198.51.100.1'))
  FROM generate_series(1, 3);

-- 2. By each argument: all are found, two months back, whatever has no index too.
CREATE FUNCTION pg_temp.found(arguments text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE n bigint;
BEGIN
    EXECUTE format('SELECT count(*) FROM auth_store.audit_trail(tenant_id => %L, max_rows => 1000, %s)', 'trail',
                   arguments) INTO n;
    RETURN n;
END $$;
SELECT a.arguments, pg_temp.found(replace(a.arguments, 'USER', :'user_id')) AS rows
  FROM (VALUES ($$user_id => 'USER'$$), ($$client_id => 'trail_client7'$$), ($$event => 'trail.step1'$$),
               ($$event => 'trail.new'$$), ($$ip => '192.0.2.7'$$), ($$ip => '192.0.2.0/28'$$),
               ($$ip => '2001:db8::1'$$),
               ($$success => false$$), ($$flags => '{b}'$$), ($$flags => '{b,c}'$$), ($$details => '{"kind": "k1"}'$$),
               ($$details => '{"n": 40}'$$), ($$success => false, details => '{"kind": "k1"}', event => 'trail.step0'$$)
       ) a (arguments);
SELECT pg_temp.found(format('since => %L', :'old'::timestamptz + interval '1 day')) AS since,
       pg_temp.found(format('until => %L', :'old'::timestamptz + interval '1 day')) AS until,
       pg_temp.found(format('since => %L, until => %L', :'old'::timestamptz + interval '1 hour',
           :'old'::timestamptz + interval '2 hours')) AS hour;

-- 3. Pages meet without a gap or a row twice, in the order of the ids.
DO $$
DECLARE
    seen uuid[] := '{}'; page uuid[]; last uuid; pages int := 0;
BEGIN
    LOOP
        SELECT array_agg(t.id ORDER BY t.n) INTO page
          FROM auth_store.audit_trail(client_id => 'trail_client7', max_rows => 3, before => last)
               WITH ORDINALITY t (id, a, b, c, d, e, f, g, h, i, j, k, l, m, o, p, q, r, s, u, v, n);
        EXIT WHEN page IS NULL;
        seen := seen || page; last := page[cardinality(page)]; pages := pages + 1;
    END LOOP;
    RAISE NOTICE '% pages, % rows, ordered %', pages, cardinality(seen),
        seen = ARRAY(SELECT id FROM auth_store.audit_log WHERE client_id = 'trail_client7' ORDER BY id DESC);
END $$;
SELECT event, success, error, risk_score, flags, client_id, ip, details, from_application
  FROM auth_store.audit_trail(tenant_id => 'trail', max_rows => 1, flags => '{a}');
SELECT count(*) AS by_default FROM auth_store.audit_trail(tenant_id => 'trail');

-- 4. The month's index is what finds a rare row.
SET enable_seqscan = off;
SELECT auth_store.tenant_create('trail_b', 'B') IS NOT NULL AS made;
SELECT count(*) AS others FROM auth_store.audit_trail(tenant_id => 'trail_b', user_id => :'user_id');
RESET enable_seqscan;

-- 5. A pinned session has its tenant's rows, whatever it asks for.
SET auth_store.tenant_id = 'trail_b';
SELECT count(*) AS pinned FROM auth_store.audit_trail(event => 'trail.step1');
SELECT count(*) AS pinned FROM auth_store.audit_trail(event => 'trail.step1', tenant_id => 'trail');
RESET auth_store.tenant_id;

-- 6. Mistakes.
SELECT n, pg_temp.raised(format('SELECT auth_store.audit_trail(%s)', arguments))
  FROM (VALUES (1, 'max_rows => 0'), (2, 'max_rows => 1001'), (3, $$details => '[]'$$), (4, $$flags => '{a,NULL}'$$))
       v (n, arguments);
SELECT auth_store.partitions_drop('25 days');
SELECT auth_store.tenant_erase(id, id) IS NOT NULL AS erased FROM unnest(ARRAY['trail', 'trail_b']) id;
