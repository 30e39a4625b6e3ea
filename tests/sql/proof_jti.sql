-- JWT ids: claimed once, revoked until their end, dropped with their partition.
\i tests/sql/include/helpers.sql
\pset null NULL

-- A tenant of its own, so that the rows counted are of this test alone.
SELECT auth_store.tenant_create('jti') IS NOT NULL AS made, auth_store.tenant_create('jti-other') IS NOT NULL AS made;
CREATE FUNCTION pg_temp.claim(jti text, expires interval, issuer text DEFAULT 'https://idp.example',
    tenant text DEFAULT 'jti') RETURNS boolean LANGUAGE sql AS
    $$SELECT auth_store.jti_claim(issuer, jti, clock_timestamp() + expires, tenant)$$;
CREATE FUNCTION pg_temp.revoke(jti text, expires interval, tenant text DEFAULT 'jti', reason text DEFAULT NULL)
    RETURNS boolean LANGUAGE sql AS
    $$SELECT auth_store.jti_revoke(jti, clock_timestamp() + expires, reason, tenant)$$;
SELECT FROM pg_temp.trail();

--
-- jti_claim
--

-- Once, whatever end the calls name: within the hour, the day, the next.
SELECT first, again, sooner, later
  FROM (VALUES (pg_temp.claim('a', '5 min'))) AS c1 (first), LATERAL (SELECT pg_temp.claim('a', '5 min')) AS c2 (again),
       LATERAL (SELECT pg_temp.claim('a', '1 s')) AS c3 (sooner),
       LATERAL (SELECT pg_temp.claim('a', '23 hours')) AS c4 (later);
SELECT pg_temp.claim('b', '23 hours') AS first, pg_temp.claim('b', '1 hour') AS sooner,
       pg_temp.claim('b', '119 min') AS sooner, pg_temp.claim('b', '10 hours') AS sooner;
SELECT count(*) AS claims, count(DISTINCT c.tableoid) > 1 AS in_several_partitions FROM auth_store.claimed_jtis c
 WHERE tenant_id = 'jti';
-- Each refusal leaves a row, no success does.
SELECT event, error, risk, flags, count(*) FROM pg_temp.trail() GROUP BY 1, 2, 3, 4;
SELECT DISTINCT resource_type, resource_id, details, tenant_id FROM auth_store.audit_log
 WHERE event = 'jti.claimed' AND tenant_id = 'jti' ORDER BY 2;

-- It is the tenant's and the issuer's; no text runs into another.
SELECT pg_temp.claim('a', '5 min', 'https://other.example') AS other_issuer,
       pg_temp.claim('a', '5 min', tenant => 'jti-other') AS other_tenant,
       pg_temp.claim('bc', '5 min', 'a'), pg_temp.claim('c', '5 min', 'ab'), pg_temp.claim('', '5 min', ''),
       pg_temp.claim(repeat('x', 1000000), '5 min'),
       pg_temp.claim(repeat('x', 1000000), '5 min') AS again;
-- A claim that is rolled back is none.
BEGIN;
SELECT pg_temp.claim('c', '5 min') AS claimed;
SAVEPOINT s;
SELECT pg_temp.claim('d', '5 min') AS claimed, pg_temp.claim('c', '5 min') AS same_transaction;
ROLLBACK TO s;
SELECT pg_temp.claim('d', '5 min') AS again;
ROLLBACK;
SELECT pg_temp.claim('c', '5 min') AS c, pg_temp.claim('d', '5 min') AS d;
-- At other isolation levels too.
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT pg_temp.claim('e', '5 min') AS first, pg_temp.claim('e', '6 min') AS again;
COMMIT;
SELECT pg_temp.claim('e', '5 min') AS again;

-- An end that has come is no claim, and leaves none.
SELECT pg_temp.claim('f', '0') AS now, pg_temp.claim('f', '-1 day') AS yesterday,
       auth_store.jti_claim('i', 'f', '-infinity') AS ever, pg_temp.claim('f', '5 min') AS first;
SELECT auth_store.jti_claim('i', 'short', clock_timestamp() + '300 ms', 'jti') AS first, pg_sleep(0.35)::text AS slept,
       auth_store.jti_claim('i', 'short', clock_timestamp() - interval '50 ms', 'jti') AS after_its_end;
SELECT pg_temp.raised($$SELECT auth_store.jti_claim('i', 'g', clock_timestamp() + '24 h 1 s')$$);
SELECT pg_temp.raised($$SELECT auth_store.jti_claim('i', 'g', 'infinity')$$);
SELECT pg_temp.raised($$SELECT auth_store.jti_claim(NULL, 'g', clock_timestamp() + '1 min')$$);
SELECT pg_temp.raised($$SELECT auth_store.jti_claim('i', NULL, clock_timestamp() + '1 min')$$);
SELECT pg_temp.raised($$SELECT auth_store.jti_claim('i', 'g', NULL)$$);
SELECT pg_temp.raised($$SELECT auth_store.jti_claim('i', 'g', clock_timestamp() + '1 min', 'nobody')$$);
SELECT FROM pg_temp.trail();

--
-- jti_revoke, jti_is_revoked
--

SELECT auth_store.jti_is_revoked('a', 'jti') AS before, pg_temp.revoke('a', '1 hour', reason => 'stolen') AS revoked,
       auth_store.jti_is_revoked('a', 'jti') AS after,
       auth_store.jti_is_revoked('a', 'jti-other') AS other_tenant, auth_store.jti_is_revoked('A', 'jti') AS other_jti;
-- One statement sees what it began with; a later one what was done.
SELECT auth_store.jti_is_revoked('a', 'jti') AS revoked, auth_store.jti_is_revoked('a', 'jti-other') AS other_tenant,
       auth_store.jti_is_revoked('a') AS default_tenant;
SELECT pg_temp.revoke('a', '1 hour') AS again, pg_temp.revoke('a', '40 days') AS longer,
       pg_temp.revoke('a', '2 s') AS shorter;
SELECT pg_temp.revoke(n::text, n * interval '1 day') AS revoked FROM unnest(ARRAY[0.01, 1, 2.5, 29, 31, 92, 365]) AS n;
SELECT bool_and(auth_store.jti_is_revoked(n::text, 'jti')) AS revoked
  FROM unnest(ARRAY[0.01, 1, 2.5, 29, 31, 92, 365]) AS n;
-- What is more than two days away goes with its month, so that there are few partitions to look into.
SELECT count(*) AS rows, count(DISTINCT tableoid) <= 6 AS partitions,
       count(*) FILTER (WHERE expires_at > clock_timestamp() + '48 h') AS far,
       count(*) FILTER (WHERE expires_at > clock_timestamp() + '48 h'
                           AND expires_at = date_trunc('month', expires_at, 'UTC')) AS at_the_first
  FROM auth_store.revoked_jtis
 WHERE tenant_id = 'jti' AND jti_hash IN (SELECT jti_hash FROM auth_store.revoked_jtis GROUP BY 1 HAVING count(*) = 1);
SELECT pg_temp.revoke('old', '0') AS ended, pg_temp.revoke('old', '-1 h') AS ended,
       auth_store.jti_is_revoked('old', 'jti') AS revoked;
SELECT event, error, risk, flags, count(*) FROM pg_temp.trail() GROUP BY 1, 2, 3, 4;
SELECT resource_type, resource_id, details FROM auth_store.audit_log WHERE event = 'jti.revoked' AND tenant_id = 'jti'
 ORDER BY occurred_at LIMIT 1;
BEGIN;
SELECT pg_temp.revoke('undone', '1 h') AS revoked;
SELECT auth_store.jti_is_revoked('undone', 'jti') AS inside;
ROLLBACK;
SELECT auth_store.jti_is_revoked('undone', 'jti') AS after_rollback;

SELECT pg_temp.raised($$SELECT auth_store.jti_revoke('g', clock_timestamp() + '366 days 1 s')$$);
SELECT pg_temp.raised($$SELECT auth_store.jti_revoke('g', 'infinity')$$);
SELECT pg_temp.raised($$SELECT auth_store.jti_revoke(NULL, clock_timestamp())$$);
SELECT pg_temp.raised($$SELECT auth_store.jti_revoke('g', NULL)$$);
SELECT pg_temp.raised($$SELECT auth_store.jti_revoke('g', clock_timestamp(), repeat('x', 1001))$$);
SELECT pg_temp.raised($$SELECT auth_store.jti_revoke('g', clock_timestamp(), tenant_id => 'nobody')$$);
SELECT pg_temp.raised($$SELECT auth_store.jti_is_revoked(NULL)$$);
SELECT pg_temp.raised($$SELECT auth_store.jti_is_revoked('g', 'nobody')$$);

-- It reads, so it works where nothing may be written.
BEGIN READ ONLY;
SELECT auth_store.jti_is_revoked('a', 'jti');
SELECT pg_temp.raised($$SELECT auth_store.jti_claim('i', 'ro', clock_timestamp() + '1 min')$$);
SELECT pg_temp.raised($$SELECT auth_store.jti_revoke('ro', clock_timestamp() + '1 min')$$);
SELECT pg_temp.raised($$SELECT auth_store.cleanup_jtis()$$);
ROLLBACK;

--
-- A pinned session, and the end of a tenant
--

SET auth_store.tenant_id = 'jti';
SELECT auth_store.jti_is_revoked('a') AS own, pg_temp.raised($$SELECT auth_store.jti_is_revoked('a', 'jti-other')$$);
SELECT auth_store.jti_claim('https://idp.example', 'a', clock_timestamp() + '5 min') AS again,
       auth_store.jti_claim('i', 'pinned', clock_timestamp() + '5 min') AS claimed,
       auth_store.jti_revoke('pinned', clock_timestamp() + '5 min') AS revoked;
SELECT auth_store.jti_is_revoked('pinned') AS revoked, auth_store.cleanup_jtis() AS dropped;
RESET auth_store.tenant_id;
SELECT auth_store.tenant_erase('jti', 'jti') > 0 AS erased;
SELECT * FROM pg_temp.tenant_rows('jti') WHERE rows > 0;
SELECT auth_store.jti_claim('https://idp.example', 'a', clock_timestamp() + '5 min',
    'jti-other') AS other_tenants_claim_stays;

--
-- Partitions
--

-- Each has its unique index, its policy and its owner, as check() wants them, and none is a default one.
SELECT bool_and(i.indisunique AND i.indisvalid) AS unique,
       bool_and(c.relrowsecurity AND c.relforcerowsecurity) AS secured,
       bool_and(pg_get_userbyid(c.relowner) = 'auth_store_owner') AS owned,
       bool_and(pg_get_expr(c.relpartbound, c.oid) LIKE 'FOR VALUES FROM%') AS ranges
  FROM pg_inherits h JOIN pg_class c ON c.oid = h.inhrelid LEFT JOIN pg_index i ON i.indrelid = c.oid
 WHERE h.inhparent IN ('auth_store.claimed_jtis'::regclass, 'auth_store.revoked_jtis'::regclass);
SELECT object, problem FROM auth_store.check() WHERE object LIKE '%jtis%';
-- Bounds are of UTC, whatever the session's time zone.
SET TimeZone = 'Asia/Kathmandu';
SELECT pg_temp.claim('tz', '90 min', tenant => 'jti-other') AS claimed,
       pg_temp.claim('tz', '20 hours', tenant => 'jti-other') AS again;
RESET TimeZone;
SELECT bool_and(date_trunc('hour', lower AT TIME ZONE 'UTC') = lower AT TIME ZONE 'UTC'
                AND c.relname = 'claimed_jtis_'
    || to_char(lower AT TIME ZONE 'UTC', '"y"YYYY"m"MM"d"DD"h"HH24')) AS named_for_their_hour
  FROM pg_inherits h JOIN pg_class c ON c.oid = h.inhrelid,
       LATERAL (SELECT substring(pg_get_expr(c.relpartbound, c.oid) FROM $$FROM \('([^']*)'\)$$)::timestamptz)
       AS b (lower)
 WHERE h.inhparent = 'auth_store.claimed_jtis'::regclass;

-- Cleanup drops what ended more than five minutes ago, with every row, and nothing else.
SELECT 'claimed_jtis_' || to_char(h AT TIME ZONE 'UTC', '"y"YYYY"m"MM"d"DD"h"HH24') AS name, h AS "from",
       h + '1 hour' AS "to"
  FROM (VALUES (date_trunc('hour', clock_timestamp(), 'UTC') - interval '3 hours')) AS p (h) \gset past_
CREATE TABLE auth_store.:past_name (LIKE auth_store.claimed_jtis);
ALTER TABLE auth_store.:past_name OWNER TO auth_store_owner;
ALTER TABLE auth_store.claimed_jtis ATTACH PARTITION auth_store.:past_name FOR VALUES
  FROM (:'past_from') TO (:'past_to');
INSERT INTO auth_store.claimed_jtis SELECT gen_random_uuid(), :'past_from', 'jti-other' FROM generate_series(1, 100);
SELECT pg_temp.claim('lost', '5 min', tenant => 'jti-other') AS claimed;
SELECT count(*) - 1 AS live FROM pg_inherits WHERE inhparent = 'auth_store.claimed_jtis'::regclass \gset
SELECT auth_store.cleanup_expired_data() >= 0 AS cleaned;
SELECT to_regclass('auth_store.' || :'past_name') AS past, count(*) = :live AS others_stay FROM pg_inherits
 WHERE inhparent = 'auth_store.claimed_jtis'::regclass;
SELECT auth_store.cleanup_jtis() AS nothing_more;
-- A live partition without its index is an error, not an answer; one that has ended, as above, is not looked into.
BEGIN;
SELECT c.relname AS partition, c.relname || '_key' AS index FROM auth_store.claimed_jtis j
  JOIN pg_class c ON c.oid = j.tableoid WHERE tenant_id = 'jti-other' ORDER BY j.expires_at LIMIT 1 \gset
DROP INDEX auth_store.:"index";
SELECT regexp_replace(
    pg_temp.raised($$SELECT auth_store.jti_claim('i', 'lost', clock_timestamp() + '5 min', 'jti-other')$$), '_y\w+',
    '_…', 'g');
ROLLBACK;
-- A new index, as REINDEX CONCURRENTLY makes one, is found.
REINDEX INDEX CONCURRENTLY auth_store.:"index";
SELECT pg_temp.claim('lost', '5 min', tenant => 'jti-other') AS again;
SELECT auth_store.tenant_erase('jti-other', 'jti-other') > 0 AS erased;
