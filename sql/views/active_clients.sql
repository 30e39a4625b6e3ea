CREATE OR REPLACE VIEW auth_store.active_clients WITH (security_barrier = true) AS
SELECT c.tenant_id, c.id AS client_id, c.name, c.client_type, c.grant_types, c.scope, c.created_at,
       s.days AS days_used, s.tokens, s.last_used_at
  FROM auth_store.clients c
  JOIN (SELECT d.tenant_id, d.client_id, pg_catalog.count(*) AS days, pg_catalog.max(d.last_used_at) AS last_used_at,
               pg_catalog.sum(d.codes_redeemed + d.devices_redeemed + d.tokens_issued + d.tokens_exchanged
                              + d.tokens_refreshed)::bigint AS tokens
          FROM auth_store.client_usage d
         WHERE auth_store.tenant_visible(d.tenant_id) AND d.last_used_at IS NOT NULL
           AND d.day >= (pg_catalog.statement_timestamp() AT TIME ZONE 'UTC')::date - 30
         GROUP BY 1, 2) s ON s.tenant_id = c.tenant_id AND s.client_id = c.id
 WHERE auth_store.tenant_visible(c.tenant_id) AND c.status = 'active' AND NOT c.tenant_suspended;
COMMENT ON VIEW auth_store.active_clients IS
    'The active clients that were granted anything in the last 30 days, as of the last cleanup: see client_usage.';
COMMENT ON COLUMN auth_store.active_clients.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN auth_store.active_clients.client_id IS 'The client_id of the client, as requests name it.';
COMMENT ON COLUMN auth_store.active_clients.name IS 'The name that users are shown.';
COMMENT ON COLUMN auth_store.active_clients.client_type IS 'confidential or public.';
COMMENT ON COLUMN auth_store.active_clients.grant_types IS 'The grant types it may use.';
COMMENT ON COLUMN auth_store.active_clients.scope IS 'What it may be granted, space-separated.';
COMMENT ON COLUMN auth_store.active_clients.created_at IS 'When it was made.';
COMMENT ON COLUMN auth_store.active_clients.days_used IS 'On how many of those days it was granted anything.';
COMMENT ON COLUMN auth_store.active_clients.tokens IS 'How often it got a new token in that time, refreshes too.';
COMMENT ON COLUMN auth_store.active_clients.last_used_at IS 'The last step that was granted.';
