-- The same with the plainest claim: the oldest fifty that nobody sends, whoever waits for them.
WITH picked AS (
    SELECT id FROM auth_store.webhook_queue
     WHERE leased_until IS NULL OR leased_until <= clock_timestamp()
     ORDER BY id LIMIT 50 FOR UPDATE SKIP LOCKED
), leased AS (
    UPDATE auth_store.webhook_queue q SET attempt = attempt + 1, leased_until = clock_timestamp() + interval '1 min'
      FROM picked p WHERE q.id = p.id
    RETURNING q.id AS delivery_id, q.webhook_id, q.event_id, q.attempt
), claimed AS (
    SELECT l.delivery_id, l.attempt, w.target_url, e.body
      FROM leased l JOIN auth_store.webhooks w ON w.id = l.webhook_id
      JOIN auth_store.webhook_events e ON e.id = l.event_id
)
SELECT coalesce(jsonb_agg(jsonb_build_object('delivery_id', delivery_id, 'attempt', attempt, 'http_status', 200,
           'response_body', 'ok', 'duration_ms', 12,
           'response_headers', '{"content-type": "text/plain", "server": "sink"}'::jsonb)), '[]') AS results
  FROM claimed \gset
SELECT count(*) FROM auth_store.webhook_complete_batch(:results);
