-- What is counted, and the steps behind the counting: a user of those counts if the user was not counted for that day.
CREATE OR REPLACE VIEW auth_store.token_activity WITH (security_barrier = true) AS
WITH step AS MATERIALIZED (
    SELECT (a.occurred_at AT TIME ZONE 'UTC')::date AS day, a.tenant_id, COALESCE(a.client_id, '') AS client_id,
           a.event, a.success, a.user_id
      FROM auth_store.audit_log a
     WHERE auth_store.tenant_visible(a.tenant_id)
       AND a.occurred_at >= COALESCE((SELECT auth_store.id_time(c.position) FROM auth_store.cleanup_cursors c
                                       WHERE c.task = 'client_usage'), '-infinity')
       AND a.occurred_at >= ((pg_catalog.statement_timestamp() AT TIME ZONE 'UTC')::date - 30) AT TIME ZONE 'UTC'
       AND a.event ~ '^((code|token|grant|device)[.]|code_replay$|refresh_reuse$)'
       AND a.from_application IS NOT TRUE
),
counted AS (
    SELECT c.day, c.tenant_id, c.client_id, c.codes_issued, c.codes_redeemed, c.tokens_issued, c.tokens_refreshed,
           c.tokens_used, c.revoked, c.refused, c.users, c.devices_redeemed, c.tokens_exchanged
      FROM auth_store.client_usage c
     WHERE auth_store.tenant_visible(c.tenant_id)
       AND c.day >= (pg_catalog.statement_timestamp() AT TIME ZONE 'UTC')::date - 30
    UNION ALL
    SELECT s.day, s.tenant_id, s.client_id,
           pg_catalog.count(*) FILTER (WHERE s.event = 'code.issued' AND s.success),
           pg_catalog.count(*) FILTER (WHERE s.event = 'code.redeemed' AND s.success),
           pg_catalog.count(*) FILTER (WHERE s.event = 'token.issued' AND s.success),
           pg_catalog.count(*) FILTER (WHERE s.event = 'token.refreshed' AND s.success),
           pg_catalog.count(*) FILTER (WHERE s.event = 'token.used' AND s.success),
           pg_catalog.count(*) FILTER (WHERE s.event IN ('token.revoked', 'grant.revoked') AND s.success),
           pg_catalog.count(*) FILTER (WHERE NOT s.success), 0,
           pg_catalog.count(*) FILTER (WHERE s.event = 'device.redeemed' AND s.success),
           pg_catalog.count(*) FILTER (WHERE s.event = 'token.exchanged' AND s.success)
      FROM step s
     GROUP BY 1, 2, 3
    UNION ALL
    SELECT s.day, s.tenant_id, s.client_id, 0, 0, 0, 0, 0, 0, 0, pg_catalog.count(DISTINCT s.user_id), 0, 0
      FROM step s
     WHERE s.user_id IS NOT NULL
       AND NOT EXISTS (SELECT FROM auth_store.client_users u
                        WHERE u.user_id = s.user_id AND u.tenant_id = s.tenant_id AND u.client_id = s.client_id
                          AND (u.last_seen_at AT TIME ZONE 'UTC')::date >= s.day)
     GROUP BY 1, 2, 3
)
SELECT t.day, t.tenant_id, NULLIF(t.client_id, '') AS client_id,
       pg_catalog.sum(t.codes_issued)::bigint AS codes_issued,
       pg_catalog.sum(t.codes_redeemed)::bigint AS codes_redeemed,
       pg_catalog.sum(t.tokens_issued)::bigint AS tokens_issued,
       pg_catalog.sum(t.tokens_refreshed)::bigint AS tokens_refreshed,
       pg_catalog.sum(t.tokens_used)::bigint AS tokens_used,
       pg_catalog.sum(t.revoked)::bigint AS revoked,
       pg_catalog.sum(t.refused)::bigint AS refused,
       pg_catalog.sum(t.users)::bigint AS users,
       pg_catalog.sum(t.devices_redeemed)::bigint AS devices_redeemed,
       pg_catalog.sum(t.tokens_exchanged)::bigint AS tokens_exchanged
  FROM counted t
 GROUP BY t.day, t.tenant_id, t.client_id;
COMMENT ON VIEW auth_store.token_activity IS
    'What each client did with codes and tokens today and on each of the last 30 days. It reads client_usage, which '
    'cleanup keeps, and the trail behind the last cleanup.';
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
