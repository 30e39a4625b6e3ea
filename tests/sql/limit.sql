-- Rate limits (GCRA): the same answers from shared memory, where the library is preloaded, and from the table.
\i tests/sql/include/helpers.sql
\pset null NULL
SELECT auth_store.tenant_create('limits') IS NOT NULL AS made;

-- Three in a month: two, one, none left, and then no.
SELECT n, h.allowed, h.remaining, h.retry_after
  FROM generate_series(1, 5) AS n, LATERAL auth_store.rate_limit_hit('three', n - n + 3, '30 days') AS h ORDER BY n;
-- One hit is paid back in ten days; all of them in thirty.
SELECT h.reset_at - clock_timestamp() BETWEEN '29 days 23:59' AND '30 days' AS reset_at
  FROM auth_store.rate_limit_hit('three', 3, '30 days') AS h;
-- A fresh key has all but the one hit; its reset is a step away.
SELECT h.allowed, h.remaining, h.retry_after, h.reset_at - clock_timestamp() BETWEEN '35 s' AND '36 s' AS reset_at
  FROM auth_store.rate_limit_hit('fresh', 100, '1 hour') AS h;

-- Costs: as many hits at once, all or nothing.
SELECT n, cost, h.allowed, h.remaining, h.retry_after > 0 AS wait
  FROM (VALUES (1, 4), (2, 7), (3, 6), (4, 1)) AS t (n, cost),
       LATERAL auth_store.rate_limit_hit('costs', 10, '30 days', cost) AS h ORDER BY n;

-- It is paid back with the time, a step each.
SELECT h.allowed, h.remaining, h.retry_after FROM auth_store.rate_limit_hit('quick', 2, '4 s', 2) AS h;
SELECT h.allowed, h.remaining, h.retry_after FROM auth_store.rate_limit_hit('quick', 2, '4 s') AS h;
SELECT pg_sleep(2.1);
SELECT h.allowed, h.retry_after FROM auth_store.rate_limit_hit('quick', 2, '4 s') AS h;

-- A key is a tenant's. Another one, another case, and one that only begins the same are other keys.
SELECT left(key, 10) AS key, tenant, h.remaining
  FROM (VALUES (1, 'a', 'default'), (2, 'a', NULL), (3, 'a', 'limits'), (4, 'A', NULL), (5, 'a ', NULL), (6, 'ä', NULL),
               (7, repeat('k', 1024), NULL), (8, repeat('k', 1024), NULL), (9, E'\n', NULL)) AS t (n, key, tenant),
       LATERAL auth_store.rate_limit_hit(left(key, 1024), 10, '30 days', tenant_id => tenant) AS h ORDER BY n;
SET auth_store.tenant_id = 'limits';
SELECT h.remaining FROM auth_store.rate_limit_hit('a', 10, '30 days') AS h;
SELECT pg_temp.raised($$SELECT auth_store.rate_limit_hit('a', 10, '1 h', tenant_id => 'default')$$);
RESET auth_store.tenant_id;

-- A limit that became another one: what was hit stays hit, but for no longer than the new window.
SELECT h.allowed, h.remaining FROM auth_store.rate_limit_hit('changed', 2, '30 days', 2) AS h;
SELECT h.allowed, h.remaining FROM auth_store.rate_limit_hit('changed', 20, '30 days') AS h;
SELECT h.allowed, h.remaining, h.retry_after, h.reset_at - clock_timestamp() BETWEEN '9 s' AND '10 s' AS reset_at
  FROM auth_store.rate_limit_hit('changed', 2, '10 s') AS h;

-- Reset.
SELECT auth_store.rate_limit_reset('three') AS reset, auth_store.rate_limit_reset('three') AS again,
       auth_store.rate_limit_reset('never hit') AS never;
SELECT h.allowed, h.remaining FROM auth_store.rate_limit_hit('three', 3, '30 days') AS h;
SELECT auth_store.rate_limit_reset('a', 'limits') AS reset, h.remaining
  FROM auth_store.rate_limit_hit('a', 10, '30 days') AS h;

-- period and "window" are one argument by two names: the limit is the same.
SELECT a.remaining, b.remaining, c.remaining, c.reset_at - clock_timestamp() > '19 days' AS reset_at
  FROM auth_store.rate_limit_hit(key => 'named', max_hits => 10, period => '30 days', cost => 3) AS a,
       LATERAL auth_store.rate_limit_hit(key => 'named', max_hits => 10 + 0 * a.remaining, "window" => '30 days') AS b,
       LATERAL auth_store.rate_limit_hit('named', 10, period => '30 days', cost => 3 + 0 * b.remaining) AS c;

-- The bounds.
SELECT args, pg_temp.raised('SELECT auth_store.rate_limit_hit(' || args || ')')
  FROM (VALUES
    (1, $$NULL, 1, '1 s'$$), (2, $$'k', NULL, '1 s'$$), (3, $$'k', 1, NULL$$),
    (5, $$'', 1, '1 s'$$), (6, $$repeat('k', 1025), 1, '1 s'$$), (7, $$repeat('ä', 513), 1, '1 s'$$),
    (8, $$'k', 0, '1 s'$$), (9, $$'k', -1, '1 s'$$), (10, $$'k', 1000001, '1 s'$$), (11, $$'bound a', 1000000, '1 s'$$),
    (12, $$'bound b', 2147483647, '1 h'$$),
    (13, $$'k', 1, '0'$$), (14, $$'k', 1, '-1 s'$$), (15, $$'k', 1, '999 ms'$$), (16, $$'k', 1, '1.5 s'$$),
    (17, $$'k', 1, '30 days 1 s'$$),
    (18, $$'bound c', 1, '30 days'$$), (19, $$'bound d', 1, '1 month'$$), (20, $$'k', 1, '2 months'$$),
    (21, $$'k', 3, '1 s', 0$$), (22, $$'k', 3, '1 s', -1$$), (23, $$'k', 3, '1 s', 4$$),
    (24, $$'k', 3, '1 s', 2147483647$$), (25, $$'bound e', 3, '1 s', 3$$),
    (26, $$'k', 1, '1 s', tenant_id => 'nobody'$$), (27, $$'k', 1$$),
    (28, $$'k', 1, period => NULL, "window" => NULL$$), (29, $$'k', 1, '1 s', period => '1 s'$$),
    (30, $$'k', 1, period => '0'$$), (31, $$'k', 1, period => '1.5 s'$$), (32, $$'k', 1, period => '30 days 1 s'$$),
    (33, $$'bound f', 1, period => '30 days'$$),
    (34, $$key => 'bound g', max_hits => 1, "window" => '1 s', period => NULL$$)) AS t (n, args)
 ORDER BY n;
SELECT pg_temp.raised('SELECT auth_store.rate_limit_reset(NULL)') AS null_key,
       pg_temp.raised($$SELECT auth_store.rate_limit_reset('')$$) AS empty_key,
       pg_temp.raised($$SELECT auth_store.rate_limit_reset('k', 'nobody')$$) AS tenant;

-- No key is stored in clear.
SELECT count(*) FROM auth_store.rate_limits r WHERE r::text ~ 'three|fresh|costs';
-- The DBA sees how full the shared memory is.
SELECT slots >= used AND used >= 0 AND evicted >= 0
       AND (slots > 0) = (current_setting('shared_preload_libraries') ~ 'auth_store') AS stats
  FROM auth_store.rate_limit_stats();

-- In the table, always: a superuser may say so. Rolled back, a hit is given back.
SET auth_store.rate_limit_shared = off;
BEGIN;
SELECT h.remaining FROM auth_store.rate_limit_hit('table', 3, '30 days') AS h;
ROLLBACK;
SELECT h.remaining FROM auth_store.rate_limit_hit('table', 3, '30 days') AS h;
SELECT encode(substr(sha256('default'::bytea || '\x00' || 'table'), 1, 16), 'hex') = replace(id::text, '-', '') AS id,
       allowed, tenant_id,
       expires_at - clock_timestamp() BETWEEN '9 days 23:59' AND '10 days' AS expires_at
  FROM auth_store.rate_limits
 WHERE replace(id::text, '-', '') = encode(substr(sha256('default'::bytea || '\x00' || 'table'), 1, 16), 'hex');
SELECT pg_temp.raised($$SET transaction_read_only = on; SELECT auth_store.rate_limit_hit('table', 3, '30 days')$$);
-- The clock went back, or so it seems: a state far ahead is taken back to the window, and the key
-- is free again in time.
UPDATE auth_store.rate_limits SET expires_at = clock_timestamp() + '9 years';
SELECT h.allowed, h.remaining, h.retry_after FROM auth_store.rate_limit_hit('table', 3, '30 s') AS h;
SELECT h.allowed, h.remaining, h.retry_after BETWEEN 9 AND 10 AS retry_after,
       h.reset_at - clock_timestamp() < '30 s' AS reset_at
  FROM auth_store.rate_limit_hit('table', 3, '30 s') AS h;
-- Cleanup takes what is paid back.
UPDATE auth_store.rate_limits SET expires_at = clock_timestamp() - interval '1 ms';
SELECT auth_store.cleanup_expired_data() >= 0 AS cleaned;
SELECT count(*) FROM auth_store.rate_limits;
-- A tenant's go with it.
SELECT h.remaining FROM auth_store.rate_limit_hit('t', 3, '30 days', tenant_id => 'limits') AS h;
SELECT auth_store.tenant_erase('limits', 'limits') > 0 AS erased,
       (SELECT count(*) FROM auth_store.rate_limits WHERE tenant_id = 'limits') AS before;
SELECT * FROM pg_temp.tenant_rows('limits') WHERE rows > 0;
RESET auth_store.rate_limit_shared;

-- A client's rate_limit_per_hour, wherever the client authenticates.
SELECT client_id AS client, client_secret AS secret
  FROM auth_store.client_create('limited', client_id => 'limited', scope => 'a', rate_limit_per_hour => 3) \gset
SELECT count(*) AS trail FROM pg_temp.trail() \gset
-- What does not authenticate does not count against the client, however often.
SELECT a.ok, a.error, a.retry_after, count(*)
  FROM generate_series(1, 5) AS n, LATERAL auth_store.client_authenticate(:'client', 'wrong' || n) AS a
 GROUP BY 1, 2, 3;
SELECT ok, error, retry_after FROM auth_store.client_authenticate(:'client', :'secret');
SELECT access_token IS NOT NULL AS token, error, retry_after
  FROM auth_store.token_issue_client_credentials(:'client', :'secret');
SELECT error, retry_after FROM auth_store.token_revoke('x', :'client', :'secret');
-- Now it is over the limit, for twenty minutes.
SELECT ok, client_id, error, error_description, retry_after BETWEEN 1190 AND 1200 AS retry_after
  FROM auth_store.client_authenticate(:'client', :'secret');
SELECT access_token, error, error_description, retry_after BETWEEN 1190 AND 1200 AS retry_after
  FROM auth_store.token_issue_client_credentials(:'client', :'secret');
SELECT access_token, error, retry_after BETWEEN 1190 AND 1200 AS retry_after
  FROM auth_store.token_issue_client_credentials(:'client', client_authenticated => true);
SELECT error, error_description, retry_after BETWEEN 1190 AND 1200 AS retry_after
  FROM auth_store.token_revoke('x', :'client', :'secret');
SELECT error, retry_after BETWEEN 1190 AND 1200 AS retry_after FROM auth_store.token_refresh('x', :'client', :'secret');
SELECT error, retry_after BETWEEN 1190 AND 1200 AS retry_after
  FROM auth_store.code_redeem('x', :'client', client_secret => :'secret');
-- Who does not know the secret is not told.
SELECT error, retry_after FROM auth_store.client_authenticate(:'client', 'wrong');
-- The trail says it once a minute.
SELECT event, error, risk, flags, count(*) FROM pg_temp.trail() GROUP BY event, error, risk, flags
 ORDER BY risk, flags, event;
-- The administrator forgives.
SELECT auth_store.rate_limit_reset('client:limited');
SELECT ok, error FROM auth_store.client_authenticate(:'client', :'secret');

-- Failed attempts count against the network they come from, and end in a refusal before the secret is looked at.
SELECT n, a.error, a.error_description, a.retry_after BETWEEN 1190 AND 1200 AS retry_after
  FROM generate_series(1, 5) AS n,
       LATERAL auth_store.client_authenticate(:'client', 'wrong' || n, ('192.0.2.' || n)::inet) AS a ORDER BY n;
SELECT ok, error FROM auth_store.client_authenticate(:'client', :'secret', '192.0.2.99');
-- The client elsewhere works, and so does what the application itself has authenticated.
SELECT ok, error FROM auth_store.client_authenticate(:'client', :'secret', '198.51.100.1');
SELECT error
  FROM auth_store.token_issue_client_credentials(:'client', client_authenticated => true, ip => '192.0.2.99');
-- An IPv4 address in IPv6 form (RFC 4291 section 2.5.5.2) is of its IPv4 network, not of one with all the others.
SELECT auth_store.rate_limit_reset('client:limited');
SELECT ok, error FROM auth_store.client_authenticate(:'client', :'secret', '::ffff:192.0.2.99');
SELECT n, a.ok, a.error
  FROM generate_series(1, 6) AS n,
       LATERAL auth_store.client_authenticate(:'client', 'wrong' || n, ('::ffff:203.0.113.' || n)::inet) AS a
 ORDER BY n;
SELECT auth_store.rate_limit_reset('client:limited');
SELECT ok, error FROM auth_store.client_authenticate(:'client', :'secret', '::ffff:198.51.100.1');
-- Without a limit nothing is counted.
SELECT auth_store.client_update(:'client', '{"rate_limit_per_hour": null}');
SELECT DISTINCT ok, error
  FROM generate_series(1, 9) AS n,
       LATERAL auth_store.client_authenticate(:'client', CASE WHEN n > 0 THEN :'secret' END, '192.0.2.99') AS a;
SELECT auth_store.client_delete('limited');
