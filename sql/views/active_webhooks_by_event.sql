CREATE OR REPLACE VIEW auth_store.active_webhooks_by_event WITH (security_barrier = true) AS
SELECT w.tenant_id, t.event_type COLLATE "C" AS event_type, pg_catalog.count(*) AS webhooks,
       pg_catalog.count(*) FILTER (WHERE w.filters IS NOT NULL) AS filtered
  FROM auth_store.webhooks w CROSS JOIN LATERAL pg_catalog.unnest(w.event_types) t (event_type)
 WHERE auth_store.tenant_visible(w.tenant_id) AND w.status = 'active'
   AND (w.expires_at IS NULL OR w.expires_at > pg_catalog.statement_timestamp())
 GROUP BY 1, 2;
COMMENT ON VIEW auth_store.active_webhooks_by_event IS
    'How many active webhooks of each tenant want which events; the patterns are as the webhooks have them.';
COMMENT ON COLUMN auth_store.active_webhooks_by_event.tenant_id IS 'The tenant they belong to.';
COMMENT ON COLUMN auth_store.active_webhooks_by_event.event_type IS
    'The type; agent.* stands for all that begin so and go on, * for all.';
COMMENT ON COLUMN auth_store.active_webhooks_by_event.webhooks IS 'How many webhooks want it.';
COMMENT ON COLUMN auth_store.active_webhooks_by_event.filtered IS 'How many of them want only some, by a filter.';
