-- The attempts are the newest 5,000, within the shortest of some spans that has so many. The index on their time finds
-- a span; it has no order.
CREATE OR REPLACE VIEW auth_store.webhook_health WITH (security_barrier = true) AS
WITH attempt AS (
    SELECT a.webhook_id, a.tenant_id, a.outcome, a.duration_ms
      FROM auth_store.webhook_attempts a
     WHERE auth_store.tenant_visible(a.tenant_id)
       AND a.attempted_at >= pg_catalog.statement_timestamp() - COALESCE((
               SELECT pg_catalog.min(s.span)
                 FROM (VALUES (interval '5 s'), ('1 min'), ('10 min'), ('2 hours')) s (span)
                WHERE (SELECT pg_catalog.count(*)
                         FROM (SELECT FROM auth_store.webhook_attempts b
                                WHERE auth_store.tenant_visible(b.tenant_id)
                                  AND b.attempted_at >= pg_catalog.statement_timestamp() - s.span
                                LIMIT 5000) c) = 5000), '24 hours')
     ORDER BY a.attempted_at DESC LIMIT 5000
),
recent AS (
    SELECT a.webhook_id, a.tenant_id, pg_catalog.count(*) AS attempts,
           pg_catalog.count(*) FILTER (WHERE a.outcome = 'delivered') AS delivered,
           pg_catalog.percentile_disc('{0.5,0.95}'::double precision[]) WITHIN GROUP (ORDER BY a.duration_ms)
               AS durations
      FROM attempt a
     GROUP BY 1, 2
),
waiting AS (
    SELECT q.webhook_id, q.tenant_id, pg_catalog.count(*) AS deliveries,
           pg_catalog.min(auth_store.id_time(q.id)) AS oldest_at
      FROM (SELECT w.id, w.webhook_id, w.tenant_id
              FROM auth_store.webhook_queue w
             WHERE auth_store.tenant_visible(w.tenant_id)
             ORDER BY w.id LIMIT 20000) q
     GROUP BY 1, 2
)
SELECT w.tenant_id, w.id AS webhook_id, w.target_url, w.status, w.status_reason,
       COALESCE(r.attempts, 0) AS attempts, r.delivered::double precision / NULLIF(r.attempts, 0) AS success_rate,
       r.durations[1] AS p50_ms, r.durations[2] AS p95_ms,
       COALESCE(q.deliveries, 0) AS waiting, q.oldest_at AS oldest_waiting_at,
       pg_catalog.date_part('epoch', pg_catalog.statement_timestamp() - q.oldest_at) AS queue_age_seconds,
       COALESCE(s.success_count, 0) AS success_count, COALESCE(s.failure_count, 0) AS failure_count,
       COALESCE(s.lost_count, 0) AS lost_count, COALESCE(s.failures_in_row, 0) AS failures_in_row,
       s.failing_since, s.paused_until, s.open_until, s.last_success_at, s.last_failure_at, s.last_error
  FROM auth_store.webhooks w
  LEFT JOIN auth_store.webhook_states s ON s.webhook_id = w.id AND s.tenant_id = w.tenant_id
  LEFT JOIN recent r ON r.webhook_id = w.id AND r.tenant_id = w.tenant_id
  LEFT JOIN waiting q ON q.webhook_id = w.id AND q.tenant_id = w.tenant_id
 WHERE auth_store.tenant_visible(w.tenant_id);
COMMENT ON VIEW auth_store.webhook_health IS
    'How each webhook''s receiver does. Rates and durations are of the last 24 hours, and of the newest 5,000 attempts '
    'of all webhooks; the queue is looked at as far as its 20,000 oldest deliveries.';
COMMENT ON COLUMN auth_store.webhook_health.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN auth_store.webhook_health.webhook_id IS 'The webhook: webhooks.id.';
COMMENT ON COLUMN auth_store.webhook_health.target_url IS 'Where the deliveries go.';
COMMENT ON COLUMN auth_store.webhook_health.status IS 'active, disabled or suspended.';
COMMENT ON COLUMN auth_store.webhook_health.status_reason IS 'Why it has the status; NULL: no reason was given.';
COMMENT ON COLUMN auth_store.webhook_health.attempts IS 'Attempts in that time.';
COMMENT ON COLUMN auth_store.webhook_health.success_rate IS
    'The share of them that delivered, 0 to 1; NULL: there were none.';
COMMENT ON COLUMN auth_store.webhook_health.p50_ms IS 'Half of them took at most so many milliseconds.';
COMMENT ON COLUMN auth_store.webhook_health.p95_ms IS '95 of 100 took at most so many milliseconds.';
COMMENT ON COLUMN auth_store.webhook_health.waiting IS 'Deliveries in the queue, ready or being sent.';
COMMENT ON COLUMN auth_store.webhook_health.oldest_waiting_at IS 'When the oldest of them was queued; NULL: none is.';
COMMENT ON COLUMN auth_store.webhook_health.queue_age_seconds IS 'How long ago that was, in seconds.';
COMMENT ON COLUMN auth_store.webhook_health.success_count IS 'Deliveries since the webhook was made.';
COMMENT ON COLUMN auth_store.webhook_health.failure_count IS 'Attempts that failed since then.';
COMMENT ON COLUMN auth_store.webhook_health.lost_count IS
    'Completions that came when their lease had been given to another worker.';
COMMENT ON COLUMN auth_store.webhook_health.failures_in_row IS 'Attempts that failed since the last success.';
COMMENT ON COLUMN auth_store.webhook_health.failing_since IS
    'The first failure since the last success; NULL: there is none.';
COMMENT ON COLUMN auth_store.webhook_health.paused_until IS
    'Until when the receiver wants nothing; NULL: it does not say.';
COMMENT ON COLUMN auth_store.webhook_health.open_until IS 'Until when the circuit is open; NULL: it is closed.';
COMMENT ON COLUMN auth_store.webhook_health.last_success_at IS 'The last delivery; NULL: never.';
COMMENT ON COLUMN auth_store.webhook_health.last_failure_at IS 'The last attempt that failed; NULL: none.';
COMMENT ON COLUMN auth_store.webhook_health.last_error IS 'Why the last failed attempt failed; NULL: none did.';
