-- What recovered() refuses, and which claims may be lost. The windows are long ago, so that they concern nobody's rows.
-- A fail-over is in tests/tap/recovered.pl.
\i tests/sql/include/helpers.sql
SELECT count(*) AS rows, bool_and(policy IS NULL) AS of_the_install FROM auth_store.recoveries;
SELECT status, what_to_do FROM auth_store.health() WHERE check_name = 'timeline';

SELECT pg_temp.raised($$SELECT auth_store.recovered(NULL, '2020-01-01')$$);
SELECT pg_temp.raised($$SELECT auth_store.recovered('2020-01-01', NULL)$$);
SELECT pg_temp.raised($$SELECT auth_store.recovered('2020-01-02', '2020-01-01')$$);
SELECT pg_temp.raised($$SELECT auth_store.recovered('2020-01-01', 'infinity')$$);
SELECT pg_temp.raised($$SELECT auth_store.recovered('-infinity', '2020-01-01')$$);
SELECT pg_temp.raised($$SELECT auth_store.recovered('2020-01-01', clock_timestamp() + '1 hour')$$);
SELECT pg_temp.raised($$SELECT auth_store.recovered('2020-01-01', '2020-01-02', 'some')$$);
SELECT pg_temp.raised($$SELECT auth_store.recovered('2020-01-01', '2020-01-02', longest_claim => '25 hours')$$);

-- A claim of a JWT that was made before the end of the window and a minute.
CREATE FUNCTION pg_temp.claim(jti text, issued timestamptz) RETURNS boolean LANGUAGE sql AS
    $$SELECT auth_store.jti_claim('recovery', jti, clock_timestamp() + '1 min', issued_at => issued)$$;
SELECT pg_temp.claim('a', '2020-01-01 12:00Z') AS before;
BEGIN;
SELECT (r).refused_until = '2020-01-02 00:01Z' AS a_minute, (r).claims_until = '2020-01-02 00:10Z' AS ten,
       (r).single_use, (r).sessions, (r).grants, (r).api_keys
  FROM (SELECT auth_store.recovered('2020-01-01 00:00Z', '2020-01-02 00:00Z', 'window', '10 min') AS r) d;
SELECT pg_temp.claim('b', '2020-01-01 12:00Z') AS within, pg_temp.claim('b', '2020-01-02 00:00:59Z') AS nearly,
       pg_temp.claim('b', '2020-01-02 00:01Z') AS after, pg_temp.claim('b', '2020-01-02 00:01Z') AS twice,
       auth_store.jti_claim('recovery', 'c', clock_timestamp() + '1 min') AS long_after;
SELECT error, flags FROM auth_store.audit_log WHERE event = 'jti.claimed' AND resource_id = 'b' ORDER BY occurred_at;
SELECT (r).fences, (r).claims_until = '2020-01-02 00:20Z' AS twenty
  FROM (SELECT auth_store.recovered('2020-01-01 00:00Z', '2020-01-02 00:00Z', longest_claim => '20 min') AS r) d;
SELECT policy, claims_until - lost_to AS longest FROM auth_store.recoveries WHERE policy IS NOT NULL;
ROLLBACK;
-- What was undone is not remembered.
SELECT pg_temp.claim('d', '2020-01-01 12:00Z') AS within;

-- Where nothing was lost, nothing changes.
BEGIN;
SELECT refused_until, claims_until, fences, single_use, sessions, grants, api_keys
  FROM auth_store.recovered('2020-01-01', '2020-01-01');
SELECT pg_temp.claim('e', '2019-01-01') AS before;
SELECT details - 'timeline' AS details FROM auth_store.audit_log WHERE event = 'store.recovered';
ROLLBACK;
