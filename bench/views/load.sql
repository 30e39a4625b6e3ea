-- A trail of 30 days: 100 clients, 20,000 users of two clients each, one step in fifty refused, one in 5,000 flagged.
-- 1,000 webhooks with 100,000 attempts in the last day, and 2,000 deliveries that wait.
SET client_min_messages = warning;
CREATE EXTENSION auth_store;
SELECT auth_store.partitions_make(ARRAY(SELECT 'audit_log_y' || to_char(m, 'YYYY"m"MM')
    FROM generate_series(now() - interval '2 months', now(), '1 month') m)) >= 0 AS months \gset _
SELECT count(auth_store.client_create('Client ' || n, ARRAY['https://client.example/cb'], client_id => 'client' || n,
    rate_limit_per_hour => 1000)) AS made FROM generate_series(1, 100) n \gset _
\o /dev/null
INSERT INTO auth_store.audit_log (id, occurred_at, risk_score, success, user_id, grant_id, tenant_id, client_id, event,
    error, flags, ip, user_agent, called_by, from_application)
SELECT gen_random_uuid(), s.at, CASE WHEN n % 5000 = 0 THEN 1 ELSE 0 END, n % 50 > 0,
       md5(u.k::text)::uuid, gen_random_uuid(), 'default', 'client' || 1 + (u.k + n % 2) % 100,
       (ARRAY['code.issued', 'code.redeemed', 'token.refreshed', 'token.refreshed', 'token.refreshed', 'token.issued',
              'session.created', 'user.logged_in'])[1 + n % 8],
       CASE WHEN n % 50 = 0 THEN 'invalid_grant' END, CASE WHEN n % 5000 = 0 THEN '{refresh_reuse}'::text[] END,
       '192.0.2.1', 'Mozilla/5.0 (X11; Linux x86_64)', 'web', false
  FROM generate_series(1, :rows) n
       CROSS JOIN LATERAL (SELECT now() - interval '30 days' + n * (interval '30 days' / :rows)) s (at)
       CROSS JOIN LATERAL (SELECT abs(hashint8(n)) % 20000) u (k);
INSERT INTO auth_store.webhooks (id, created_at, updated_at, status_changed_at, max_attempts, in_order,
    deleted_when_gone, tenant_id, status, target_url, event_types, metadata)
SELECT md5('webhook' || n)::uuid, now(), now(), now(), 10, false, false, 'default', 'active',
       'https://hook' || n || '.example/', ARRAY['agent.*', 'type' || n % 50], '{}'
  FROM generate_series(1, 1000) n;
INSERT INTO auth_store.webhook_states (webhook_id, tenant_id) SELECT id, tenant_id FROM auth_store.webhooks;
INSERT INTO auth_store.webhook_events (id, tenant_id, event_type, body)
SELECT md5('event' || n)::uuid, 'default', 'agent.created', '{"type":"agent.created","data":' || repeat('1', 300) || '}'
  FROM generate_series(1, 10000) n;
INSERT INTO auth_store.webhook_attempts (delivery_id, webhook_id, event_id, attempted_at, attempt, duration_ms,
    http_status, tenant_id, event_type, outcome)
SELECT (lpad(to_hex((extract(epoch FROM s.at) * 1000)::bigint), 12, '0') || '8' || substr(md5(n::text), 1, 19))::uuid,
       md5('webhook' || 1 + n % 1000)::uuid, md5('event' || 1 + n % 10000)::uuid, s.at, 1, n % 400, 200, 'default',
       'agent.created', CASE WHEN n % 20 = 0 THEN 'retrying' ELSE 'delivered' END
  FROM generate_series(1, 100000) n
       CROSS JOIN LATERAL (SELECT now() - interval '1 day' + n * interval '0.864 s') s (at)
 WHERE s.at >= date_trunc('month', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC';
INSERT INTO auth_store.webhook_queue (id, webhook_id, event_id, attempt, tenant_id)
SELECT (lpad(to_hex((extract(epoch FROM now()) * 1000)::bigint), 12, '0') || '8' || substr(md5(n::text), 1, 19))::uuid,
       md5('webhook' || 1 + n % 1000)::uuid, md5('event' || 1 + n % 10000)::uuid, 0, 'default'
  FROM generate_series(1, 2000) n;
\o
-- So that the index of each month has its ranges, as autovacuum makes them in time.
VACUUM (ANALYZE) auth_store.audit_log;
\timing on
\echo counting the trail
CALL auth_store.cleanup(max_batches => 100000);
\timing off
VACUUM (ANALYZE) auth_store.client_usage, auth_store.client_users, auth_store.flag_counts,
    auth_store.webhooks, auth_store.webhook_attempts, auth_store.webhook_queue, auth_store.webhook_events;
