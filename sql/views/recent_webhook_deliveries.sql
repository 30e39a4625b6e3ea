-- The newest within the shortest of some spans that has so many: the index on their time finds a span; it has no order.
CREATE OR REPLACE VIEW auth_store.recent_webhook_deliveries WITH (security_barrier = true) AS
SELECT a.tenant_id, a.delivery_id, a.webhook_id, a.event_id, a.event_type, a.attempt, a.attempted_at, a.outcome,
       a.http_status, a.duration_ms, a.error, w.target_url,
       pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object('webhook-id', a.delivery_id,
           'content-type', 'application/json', 'webhook-test', CASE WHEN e.test THEN 'true' END)) AS request_headers,
       e.body AS payload, a.response_headers, a.response_body
  FROM (SELECT n.tenant_id, n.delivery_id, n.webhook_id, n.event_id, n.event_type, n.attempt, n.attempted_at,
               n.outcome, n.http_status, n.duration_ms, n.error, n.response_headers, n.response_body
          FROM auth_store.webhook_attempts n
         WHERE auth_store.tenant_visible(n.tenant_id)
           AND n.attempted_at >= COALESCE((
                   SELECT pg_catalog.statement_timestamp() - pg_catalog.min(s.span)
                     FROM (VALUES (interval '5 s'), ('1 min'), ('10 min'), ('2 hours'), ('1 day'), ('7 days'))
                              s (span)
                    WHERE (SELECT pg_catalog.count(*)
                             FROM (SELECT FROM auth_store.webhook_attempts b
                                    WHERE auth_store.tenant_visible(b.tenant_id)
                                      AND b.attempted_at >= pg_catalog.statement_timestamp() - s.span
                                    LIMIT 1000) c) = 1000), '-infinity')
         ORDER BY n.attempted_at DESC LIMIT 1000) a
  LEFT JOIN auth_store.webhooks w ON w.id = a.webhook_id AND w.tenant_id = a.tenant_id
  LEFT JOIN auth_store.webhook_events e ON e.id = a.event_id AND e.tenant_id = a.tenant_id
 ORDER BY a.attempted_at DESC, a.delivery_id DESC;
COMMENT ON VIEW auth_store.recent_webhook_deliveries IS
    'The last 1,000 attempts to deliver, the newest first, with what was sent and answered.';
COMMENT ON COLUMN auth_store.recent_webhook_deliveries.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN auth_store.recent_webhook_deliveries.delivery_id IS
    'The delivery: all its attempts have this id, and the receiver gets it as webhook-id.';
COMMENT ON COLUMN auth_store.recent_webhook_deliveries.webhook_id IS 'The webhook: webhooks.id.';
COMMENT ON COLUMN auth_store.recent_webhook_deliveries.event_id IS 'The event that is sent: webhook_events.id.';
COMMENT ON COLUMN auth_store.recent_webhook_deliveries.event_type IS 'The type of the event that was sent.';
COMMENT ON COLUMN auth_store.recent_webhook_deliveries.attempt IS 'Which attempt of the delivery it was, from 1.';
COMMENT ON COLUMN auth_store.recent_webhook_deliveries.attempted_at IS 'When the attempt was completed.';
COMMENT ON COLUMN auth_store.recent_webhook_deliveries.outcome IS
    'delivered, retrying, dead, or gone where the answer was 410.';
COMMENT ON COLUMN auth_store.recent_webhook_deliveries.http_status IS
    'The status of the answer; NULL: there was none.';
COMMENT ON COLUMN auth_store.recent_webhook_deliveries.duration_ms IS
    'How long it took, in milliseconds; NULL: not told.';
COMMENT ON COLUMN auth_store.recent_webhook_deliveries.error IS 'Why it failed; NULL: it did not.';
COMMENT ON COLUMN auth_store.recent_webhook_deliveries.target_url IS
    'Where the webhook''s deliveries go now; NULL: the webhook is gone.';
COMMENT ON COLUMN auth_store.recent_webhook_deliveries.request_headers IS
    'The headers that every attempt of the delivery had. Time and signature are made for each attempt and not kept.';
COMMENT ON COLUMN auth_store.recent_webhook_deliveries.payload IS
    'The body as it was sent; NULL: the event is no longer kept.';
COMMENT ON COLUMN auth_store.recent_webhook_deliveries.response_headers IS
    'The headers of the answer, a JSON object; NULL: not told.';
COMMENT ON COLUMN auth_store.recent_webhook_deliveries.response_body IS
    'The first 4,096 bytes of the answer''s body; NULL: not told.';
