CREATE OR REPLACE VIEW auth_store.token_activity WITH (security_barrier = true) AS
SELECT (a.occurred_at AT TIME ZONE 'UTC')::date AS day,
       a.tenant_id,
       a.client_id,
       pg_catalog.count(*) FILTER (WHERE a.event = 'code.issued' AND a.success) AS codes_issued,
       pg_catalog.count(*) FILTER (WHERE a.event = 'code.redeemed' AND a.success) AS codes_redeemed,
       pg_catalog.count(*) FILTER (WHERE a.event = 'token.issued' AND a.success) AS tokens_issued,
       pg_catalog.count(*) FILTER (WHERE a.event = 'token.refreshed' AND a.success) AS tokens_refreshed,
       pg_catalog.count(*) FILTER (WHERE a.event = 'token.used' AND a.success) AS tokens_used,
       pg_catalog.count(*) FILTER (WHERE a.event IN ('token.revoked', 'grant.revoked') AND a.success) AS revoked,
       pg_catalog.count(*) FILTER (WHERE NOT a.success) AS refused,
       pg_catalog.count(DISTINCT a.user_id) AS users,
       pg_catalog.count(*) FILTER (WHERE a.event = 'device.redeemed' AND a.success) AS devices_redeemed,
       pg_catalog.count(*) FILTER (WHERE a.event = 'token.exchanged' AND a.success) AS tokens_exchanged
  FROM auth_store.audit_log a
 WHERE auth_store.tenant_visible(a.tenant_id)
   AND a.occurred_at >= pg_catalog.statement_timestamp() - interval '30 days'
   AND a.event ~ '^((code|token|grant|device)[.]|code_replay$|refresh_reuse$)'
   AND a.from_application IS NOT TRUE
 GROUP BY 1, 2, 3;
COMMENT ON VIEW auth_store.token_activity IS 'What each client did with codes and tokens on each of the last 30 days.';
COMMENT ON COLUMN auth_store.token_activity.day IS 'The day in UTC.';
COMMENT ON COLUMN auth_store.token_activity.codes_redeemed IS 'Each made a grant with its first tokens.';
COMMENT ON COLUMN auth_store.token_activity.tokens_issued IS 'By token_issue() and by client credentials.';
COMMENT ON COLUMN auth_store.token_activity.tokens_used IS
    'Uses of access tokens that were recorded: token_use(). Introspection records nothing.';
COMMENT ON COLUMN auth_store.token_activity.revoked IS 'Tokens and grants revoked one by one.';
COMMENT ON COLUMN auth_store.token_activity.refused IS 'Steps of any of these kinds that were refused.';
COMMENT ON COLUMN auth_store.token_activity.users IS 'How many different users.';
COMMENT ON COLUMN auth_store.token_activity.devices_redeemed IS
    'Log-ins of devices; each made a grant with its first tokens.';
COMMENT ON COLUMN auth_store.token_activity.tokens_exchanged IS 'Tokens given for another (RFC 8693).';
COMMENT ON COLUMN auth_store.token_activity.tenant_id IS 'The tenant of the client.';
COMMENT ON COLUMN auth_store.token_activity.client_id IS
    'The client as it was named in the requests, also where no such client exists.';
COMMENT ON COLUMN auth_store.token_activity.codes_issued IS 'Authorization codes that were issued.';
COMMENT ON COLUMN auth_store.token_activity.tokens_refreshed IS 'Refresh tokens that were exchanged for new ones.';
