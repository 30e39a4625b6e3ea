-- What cleanup counts of the trail, and the views that read the counts.
\i tests/sql/include/helpers.sql
\pset null NULL
SET TimeZone = 'UTC';
-- The steps count at no other level; cleanup() chooses it itself.
SET default_transaction_isolation = 'read committed';
SELECT auth_store.tenant_create('usage', 'Usage') IS NOT NULL AND auth_store.tenant_create('used', 'Used') IS NOT NULL
    AS made;
SELECT client_secret AS secret FROM auth_store.client_create('Web', '{https://u.example/}', client_id => 'usage_web',
    tenant_id => 'usage', rate_limit_per_hour => 10) \gset
SELECT FROM auth_store.client_create('Idle', '{https://u.example/}', client_id => 'usage_idle', tenant_id => 'usage');
SELECT FROM auth_store.client_create('Web', '{https://u.example/}', client_id => 'used_web', tenant_id => 'used');
SELECT user_id AS ann FROM auth_store.user_create('ann@usage.example', tenant_id => 'usage') \gset
SELECT user_id AS bob FROM auth_store.user_create('bob@usage.example', external_id => '77', tenant_id => 'usage') \gset
-- Counting begins anew: what other tests have done is not in the way.
DELETE FROM auth_store.cleanup_cursors WHERE task = 'client_usage';
TRUNCATE auth_store.client_usage, auth_store.client_users, auth_store.flag_counts;
SELECT auth_store.partitions_make(ARRAY(SELECT 'audit_log_y' || to_char(m, 'YYYY"m"MM')
    FROM generate_series(now() - interval '100 days', now() + interval '1 month', '1 month') m)) >= 0 AS months;

-- A step of the past, so many hours ago.
CREATE FUNCTION pg_temp.step(hours float, event text, client_id text, user_id uuid, error text = NULL,
    flags text[] = NULL, tenant_id text = 'usage', own boolean = true) RETURNS void LANGUAGE sql AS $$
    INSERT INTO auth_store.audit_log (id, occurred_at, success, user_id, tenant_id, client_id, event, error, flags,
        risk_score, from_application)
    SELECT gen_random_uuid(), now() - hours * interval '1 hour', error IS NULL, user_id, tenant_id, client_id, event,
        error, flags, CASE WHEN flags IS NULL THEN 0 ELSE 1 END, NOT own
$$;
SELECT count(*) AS steps FROM (VALUES (0)) v (n), LATERAL (
    SELECT pg_temp.step(100, 'code.issued', 'usage_web', :'ann')
    UNION ALL SELECT pg_temp.step(100, 'code.redeemed', 'usage_web', :'ann')
    UNION ALL SELECT pg_temp.step(99.99, 'token.refreshed', 'usage_web', :'ann')
    UNION ALL SELECT pg_temp.step(99.98, 'device.redeemed', 'usage_web', :'bob')
    UNION ALL SELECT pg_temp.step(50, 'token.issued', 'usage_web', :'bob')
    UNION ALL SELECT pg_temp.step(50, 'token.exchanged', 'usage_web', :'bob')
    UNION ALL SELECT pg_temp.step(50, 'token.used', 'usage_web', :'bob')
    UNION ALL SELECT pg_temp.step(50, 'token.revoked', 'usage_web', :'bob')
    UNION ALL SELECT pg_temp.step(50, 'grant.revoked', NULL, :'bob')
    UNION ALL SELECT pg_temp.step(50, 'refresh_reuse', 'usage_web', :'bob', 'invalid_grant', '{refresh_reuse}')
    UNION ALL SELECT pg_temp.step(2, 'code_replay', 'usage_web', :'ann', 'invalid_grant', '{code_replay}')
    UNION ALL SELECT pg_temp.step(2, 'token.issued', 'used_web', NULL, tenant_id => 'used')
    -- of the application's own, and of another kind
    UNION ALL SELECT pg_temp.step(2, 'token.issued', 'usage_web', :'ann', flags => '{code_replay}', own => false)
    UNION ALL SELECT pg_temp.step(2, 'session.created', 'usage_web', :'ann')
    -- half of the refreshes are refused
    UNION ALL SELECT pg_temp.step(0.5, 'token.refreshed', 'usage_web', :'ann') FROM generate_series(1, 10)
    UNION ALL SELECT pg_temp.step(0.5, 'token.refreshed', 'usage_web', :'ann', 'invalid_grant')
      FROM generate_series(1, 10)) s;

-- The view says the same before and after the counting, and in between.
CREATE TEMP TABLE before AS SELECT * FROM auth_store.token_activity WHERE tenant_id IN ('usage', 'used');
SELECT client_id, sum(codes_issued) AS codes, sum(codes_redeemed) AS redeemed, sum(devices_redeemed) AS devices,
       sum(tokens_issued) AS issued, sum(tokens_refreshed) AS refreshed, sum(tokens_exchanged) AS exchanged,
       sum(tokens_used) AS used, sum(revoked) AS revoked, sum(refused) AS refused
  FROM before GROUP BY 1 ORDER BY 1;
CREATE FUNCTION pg_temp.differs() RETURNS bigint LANGUAGE sql AS $$
    SELECT count(*) FROM ((SELECT * FROM auth_store.token_activity WHERE tenant_id IN ('usage', 'used')
                           EXCEPT ALL SELECT * FROM before)
                          UNION ALL
                          (SELECT * FROM before EXCEPT ALL
                           SELECT * FROM auth_store.token_activity WHERE tenant_id IN ('usage', 'used'))) d
$$;
SELECT pg_temp.differs() AS differs;
SELECT deleted, examined > 0 AS examined FROM auth_store.cleanup_usage(1);
SELECT pg_temp.differs() AS differs;
DO $$ BEGIN WHILE NOT (SELECT done FROM auth_store.cleanup_usage(1)) LOOP NULL; END LOOP; END $$;
SELECT count(*) > 0 AS counted FROM auth_store.client_usage WHERE tenant_id = 'usage';
SELECT pg_temp.differs() AS differs;
SET client_min_messages = warning;
CALL auth_store.cleanup();
RESET client_min_messages;
SELECT pg_temp.differs() AS differs;

-- One user a day counts once, also where a later step of the day is behind the counting.
SELECT auth_store.audit_write('usage.none') IS NOT NULL AS written;
SELECT FROM auth_store.token_issue('usage_web', :'ann');
SELECT (SELECT sum(users) FROM auth_store.token_activity WHERE tenant_id = 'usage')
     - (SELECT sum(users) FROM before WHERE tenant_id = 'usage') IN (0, 1) AS users,
       (SELECT sum(tokens_issued) FROM auth_store.token_activity WHERE tenant_id = 'usage')
     - (SELECT sum(tokens_issued) FROM before WHERE tenant_id = 'usage') AS issued;

SELECT client_id, unique_users, authorizations, tokens_issued, tokens_refreshed, refused,
       last_used_at = now() AS now, last_used_at > now() - interval '1 hour' AS recent
  FROM auth_store.client_stats WHERE tenant_id = 'usage' ORDER BY 1;
SELECT tenant_id, client_id, tokens FROM auth_store.active_clients WHERE tenant_id IN ('usage', 'used') ORDER BY 1;
SELECT tenant_id, flag, sum(steps) AS steps FROM auth_store.flag_counts
 WHERE tenant_id IN ('usage', 'used') GROUP BY 1, 2 ORDER BY 1, 2;

-- Whose connection it is: by the application's id, and by the store's.
SELECT auth_store.connection_store('github', '77', 'x', tenant_id => 'usage',
           access_token_expires_at => now() + interval '2 hours') IS NOT NULL
   AND auth_store.connection_store('github', :'ann', 'x', tenant_id => 'usage') IS NOT NULL
   AND auth_store.connection_store('github', 'nobody', 'x', tenant_id => 'usage') IS NOT NULL AS stored;
SELECT email, access_token_expires_at IS NOT NULL AS ends FROM auth_store.provider_connections
 WHERE tenant_id = 'usage' ORDER BY 1;

-- Webhooks.
INSERT INTO auth_store.webhooks (id, created_at, updated_at, status_changed_at, max_attempts, max_per_hour, in_order,
    deleted_when_gone, tenant_id, status, target_url, event_types, filters, metadata)
VALUES ('00000000-0000-8000-8000-000000000001', now(), now(), now(), 10, 10, false, false, 'usage', 'active',
        'https://hook.example/', '{agent.*,thing.created}', NULL, '{}'),
       ('00000000-0000-8000-8000-000000000002', now(), now(), now(), 10, NULL, false, false, 'usage', 'active',
        'https://hook.example/2', '{agent.*}', '{"type": "x"}', '{}'),
       ('00000000-0000-8000-8000-000000000003', now(), now(), now(), 10, NULL, false, false, 'usage', 'disabled',
        'https://hook.example/3', '{agent.*}', NULL, '{}');
INSERT INTO auth_store.webhook_states (webhook_id, tenant_id, hour_started_at, hour_count, success_count, failure_count,
    last_error)
VALUES ('00000000-0000-8000-8000-000000000001', 'usage', now() - interval '5 min', 9, 70, 30, 'timed out');
INSERT INTO auth_store.webhook_events (id, tenant_id, event_type, body)
VALUES ('00000000-0000-8000-8000-00000000000e', 'usage', 'thing.created', '{"type":"thing.created"}');
INSERT INTO auth_store.webhook_attempts (delivery_id, webhook_id, event_id, attempted_at, attempt, duration_ms,
    http_status, tenant_id, event_type, outcome, error, response_body)
SELECT ('ffffffff-ffff-8000-8000-' || lpad(n::text, 12, '0'))::uuid, '00000000-0000-8000-8000-000000000001',
       '00000000-0000-8000-8000-00000000000e', now() - n * interval '1 second', 1, n, 200, 'usage', 'thing.created',
       CASE WHEN n <= 70 THEN 'delivered' ELSE 'retrying' END, CASE WHEN n > 70 THEN 'timed out' END, 'ok'
  FROM generate_series(1, 100) n;
INSERT INTO auth_store.webhook_queue (id, webhook_id, event_id, attempt, tenant_id)
VALUES ('00000000-0000-8000-8000-0000000000d1', '00000000-0000-8000-8000-000000000001',
        '00000000-0000-8000-8000-00000000000e', 0, 'usage');
INSERT INTO auth_store.webhook_retries (id, webhook_id, event_id, failed_at, due_at, attempt, tenant_id)
VALUES ('00000000-0000-8000-8000-0000000000d2', '00000000-0000-8000-8000-000000000001',
        '00000000-0000-8000-8000-00000000000e', now(), now() + interval '1 hour', 4, 'usage'),
       ('00000000-0000-8000-8000-0000000000d3', '00000000-0000-8000-8000-000000000001',
        '00000000-0000-8000-8000-00000000000e', now(), NULL, 10, 'usage');
SELECT event_type, webhooks, filtered FROM auth_store.active_webhooks_by_event WHERE tenant_id = 'usage' ORDER BY 1;
SELECT target_url, status, attempts, success_rate, p50_ms, p95_ms, waiting, oldest_waiting_at IS NOT NULL AS oldest,
       success_count, failure_count, last_error
  FROM auth_store.webhook_health WHERE tenant_id = 'usage' ORDER BY 1;
SELECT count(*), count(payload) AS payloads, array_agg(DISTINCT request_headers - 'webhook-id') AS headers
  FROM auth_store.recent_webhook_deliveries WHERE tenant_id = 'usage';
SELECT attempt, outcome, http_status, duration_ms, target_url, payload, response_body
  FROM auth_store.recent_webhook_deliveries WHERE tenant_id = 'usage' LIMIT 1;

-- Alerts. The client has used nine of its ten requests an hour.
SELECT count(*) FILTER (WHERE (c.answer).ok) AS ok
  FROM (SELECT auth_store.client_authenticate('usage_web', :'secret') FROM generate_series(1, 9)) c (answer);
SELECT severity, alert, subject, detail, what_to_do
  FROM (SELECT a.*, regexp_replace(a.detail, 'at \d.*Z', 'at …') AS told FROM auth_store.alerts a) a
       (severity, alert, tenant_id, subject, d, what_to_do, detail)
 WHERE tenant_id = 'usage' ORDER BY 2, 3;
SELECT client_id, max_per_hour, round(used::numeric, 1) AS used FROM auth_store.client_rates()
 WHERE tenant_id = 'usage';
-- A reader's: also where nobody can write.
BEGIN READ ONLY;
SELECT used > 0.8 AS used FROM auth_store.client_rates() WHERE tenant_id = 'usage';
COMMIT;

-- A pin sees its tenant alone, and nothing of the whole store; and counts nothing.
SET auth_store.tenant_id = 'used';
SELECT (SELECT array_agg(DISTINCT tenant_id) FROM auth_store.token_activity) AS activity,
       (SELECT array_agg(client_id) FROM auth_store.client_stats) AS stats,
       (SELECT array_agg(client_id) FROM auth_store.active_clients) AS active,
       (SELECT count(*) FROM auth_store.webhook_health) AS health,
       (SELECT count(*) FROM auth_store.active_webhooks_by_event) AS types,
       (SELECT count(*) FROM auth_store.recent_webhook_deliveries) AS deliveries,
       (SELECT count(*) FROM auth_store.alerts) AS alerts,
       (SELECT count(*) FROM auth_store.client_rates()) AS rates;
SELECT name, value FROM auth_store.stats WHERE name !~ 'today' ORDER BY 1;
SELECT * FROM auth_store.cleanup_usage();
RESET auth_store.tenant_id;
SELECT name FROM auth_store.stats ORDER BY 1;

-- The counts of what the trail no longer has go with it.
INSERT INTO auth_store.client_usage VALUES ('2020-01-01', NULL, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 'usage', 'old');
INSERT INTO auth_store.flag_counts VALUES ('2020-01-01', '2020-01-01', 1, 'usage', 'old');
INSERT INTO auth_store.client_users
SELECT '00000000-0000-0000-0000-000000000001', '2020-01-01', '2020-01-01', 'usage', 'old' || n
  FROM generate_series(1, 3) n;
UPDATE auth_store.cleanup_cursors SET position = NULL WHERE task = 'client_users';
SELECT deleted, examined FROM auth_store.cleanup_batch('client_users', 1);
-- The counting is at its end: its last step would be a second long.
UPDATE auth_store.cleanup_cursors SET position = NULL WHERE task = 'client_usage';
DO $$ BEGIN WHILE NOT (SELECT done FROM auth_store.cleanup_usage()) LOOP NULL; END LOOP; END $$;
SELECT count(*) AS old FROM auth_store.client_usage WHERE client_id = 'old';
SELECT count(*) AS old FROM auth_store.flag_counts WHERE flag = 'old';
-- At such a level the snapshot may be older than what is to be counted.
UPDATE auth_store.cleanup_cursors SET position = NULL WHERE task = 'client_usage';
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT examined, done FROM auth_store.cleanup_usage();
COMMIT;
SET default_transaction_isolation = 'serializable';
SET client_min_messages = warning;
CALL auth_store.cleanup();
RESET client_min_messages;
RESET default_transaction_isolation;
SELECT position IS NOT NULL AS counted FROM auth_store.cleanup_cursors WHERE task = 'client_usage';
SELECT auth_store.user_erase(:'ann')->'tables'->'client_users' AS erased;
SELECT count(*) AS left_of_ann FROM auth_store.client_users WHERE user_id = :'ann';

-- Health: a row for each thing, the worst told with what to do.
SELECT check_name, status IN ('ok', 'warn', 'fail') AS known, detail <> '' AS detail,
       (status = 'ok') = (what_to_do IS NULL) AS told
  FROM auth_store.health();
SELECT status FROM auth_store.health() WHERE check_name IN ('tables', 'partitions', 'timeline', 'replication_slots');

SELECT auth_store.tenant_erase('usage', 'usage') > 0 AND auth_store.tenant_erase('used', 'used') > 0 AS erased;
-- For the tests after this one: counting begins anew.
DELETE FROM auth_store.cleanup_cursors WHERE task = 'client_usage';
TRUNCATE auth_store.client_usage, auth_store.client_users, auth_store.flag_counts;
