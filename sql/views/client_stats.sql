CREATE OR REPLACE VIEW auth_store.client_stats WITH (security_barrier = true) AS
SELECT c.tenant_id, c.id AS client_id, c.name, c.client_type, c.status, c.created_at,
       COALESCE(u.users, 0) AS unique_users,
       COALESCE(s.codes_redeemed + s.devices_redeemed, 0)::bigint AS authorizations,
       COALESCE(s.tokens_issued, 0)::bigint AS tokens_issued,
       COALESCE(s.tokens_refreshed, 0)::bigint AS tokens_refreshed,
       COALESCE(s.refused, 0)::bigint AS refused,
       s.last_used_at
  FROM auth_store.clients c
  LEFT JOIN (SELECT d.tenant_id, d.client_id, pg_catalog.sum(d.codes_redeemed) AS codes_redeemed,
                    pg_catalog.sum(d.devices_redeemed) AS devices_redeemed,
                    pg_catalog.sum(d.tokens_issued + d.tokens_exchanged + d.codes_redeemed + d.devices_redeemed)
                        AS tokens_issued,
                    pg_catalog.sum(d.tokens_refreshed) AS tokens_refreshed, pg_catalog.sum(d.refused) AS refused,
                    pg_catalog.max(d.last_used_at) AS last_used_at
               FROM auth_store.client_usage d
              WHERE auth_store.tenant_visible(d.tenant_id)
              GROUP BY 1, 2) s ON s.tenant_id = c.tenant_id AND s.client_id = c.id
  LEFT JOIN (SELECT m.tenant_id, m.client_id, pg_catalog.count(*) AS users
               FROM auth_store.client_users m
              WHERE auth_store.tenant_visible(m.tenant_id)
              GROUP BY 1, 2) u ON u.tenant_id = c.tenant_id AND u.client_id = c.id
 WHERE auth_store.tenant_visible(c.tenant_id);
COMMENT ON VIEW auth_store.client_stats IS
    'What each client has done since the audit trail''s retention, as of the last cleanup: see client_usage.';
COMMENT ON COLUMN auth_store.client_stats.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN auth_store.client_stats.client_id IS 'The client_id of the client, as requests name it.';
COMMENT ON COLUMN auth_store.client_stats.name IS 'The name that users are shown.';
COMMENT ON COLUMN auth_store.client_stats.client_type IS 'confidential or public.';
COMMENT ON COLUMN auth_store.client_stats.status IS 'active, pending, suspended or revoked.';
COMMENT ON COLUMN auth_store.client_stats.created_at IS 'When it was made.';
COMMENT ON COLUMN auth_store.client_stats.unique_users IS 'How many different users its steps named.';
COMMENT ON COLUMN auth_store.client_stats.authorizations IS 'Grants that codes and devices made.';
COMMENT ON COLUMN auth_store.client_stats.tokens_issued IS
    'Times that it got a new token, but by a refresh: with a grant, by token_issue(), client credentials or exchange.';
COMMENT ON COLUMN auth_store.client_stats.tokens_refreshed IS 'Refresh tokens that were exchanged for new ones.';
COMMENT ON COLUMN auth_store.client_stats.refused IS 'Steps with codes, tokens, grants or devices that were refused.';
COMMENT ON COLUMN auth_store.client_stats.last_used_at IS 'The last step that was granted; NULL: none was.';
