-- A worker's round: claims fifty deliveries, and completes them in one call.
SELECT coalesce(jsonb_agg(jsonb_build_object('delivery_id', delivery_id, 'attempt', attempt, 'http_status', 200,
           'response_body', 'ok', 'duration_ms', 12,
           'response_headers', '{"content-type": "text/plain", "server": "sink"}'::jsonb)), '[]') AS results
  FROM auth_store.webhook_claim(50) \gset
SELECT count(*) FROM auth_store.webhook_complete_batch(:results);
