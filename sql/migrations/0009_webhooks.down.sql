-- The views over what goes, and the two that read it besides as they were.
DROP VIEW auth_store.jobs, auth_store.alerts, auth_store.stats, auth_store.recent_webhook_deliveries,
    auth_store.webhook_health, auth_store.active_webhooks_by_event, auth_store.client_stats, auth_store.active_clients,
    auth_store.token_activity, auth_store.provider_connections;
DROP INDEX auth_store.connections_ending_idx;
DROP TABLE auth_store.providers;
-- The indexes of a month as the version before knows them.
DO $$
DECLARE
    month record;
BEGIN
    FOR month IN
        SELECT c.relname AS name,
               (SELECT pg_catalog.format(' TABLESPACE %I', t.spcname)
                  FROM pg_catalog.pg_tablespace t WHERE t.oid = c.reltablespace) AS place
          FROM pg_catalog.pg_inherits i
          JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
         WHERE i.inhparent = 'auth_store.audit_log'::pg_catalog.regclass
    LOOP
        EXECUTE pg_catalog.format('DROP INDEX IF EXISTS auth_store.%I, auth_store.%I, auth_store.%I, auth_store.%I',
            month.name || '_idx', month.name || '_refused_idx', month.name || '_flags_idx',
            month.name || '_details_idx');
        EXECUTE pg_catalog.format('CREATE INDEX %I ON auth_store.%I USING brin (
                occurred_at,
                id,
                user_id uuid_bloom_ops (n_distinct_per_range = 1200, false_positive_rate = 0.01),
                grant_id uuid_bloom_ops (n_distinct_per_range = 1200, false_positive_rate = 0.01)
            ) WITH (pages_per_range = 32, autosummarize = on)', month.name || '_idx', month.name)
            || COALESCE(month.place, '');
    END LOOP;
END
$$;

-- Webhooks and what waits for them are lost.
DELETE FROM auth_store.cleanup_cursors
 WHERE pg_catalog.split_part(task, '@', 1) IN ('webhooks', 'webhook_secrets', 'webhook_events', 'client_usage',
                                               'client_users');
DROP TABLE auth_store.flag_counts;
DROP TABLE auth_store.client_users;
DROP TABLE auth_store.client_usage;
DROP TABLE auth_store.webhook_attempts;
DROP TABLE auth_store.webhook_retries;
DROP TABLE auth_store.webhook_queue;
DROP TABLE auth_store.webhook_events;
DROP TABLE auth_store.webhook_switches;
DROP TABLE auth_store.webhook_routes;
DROP TABLE auth_store.webhook_secrets;
DROP TABLE auth_store.webhook_states;
DROP TABLE auth_store.webhooks;
DROP TABLE auth_store.webhook_event_types;
CREATE VIEW auth_store.token_activity WITH (security_barrier = true) AS
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
CREATE VIEW auth_store.provider_connections WITH (security_barrier = true) AS
SELECT c.id AS connection_id, c.tenant_id, c.provider, c.actor_type, c.actor_id,
       auth_store.connection_status(pg_catalog.statement_timestamp(), c.refreshed_at, c.access_token_expires_at,
                                    c.failures, c.revoked_at) AS status,
       c.access_token_expires_at, c.refresh_token IS NOT NULL AS has_refresh_token, c.refresh_at, c.leased_until,
       c.failures, c.last_error, c.last_error_at, c.scope, c.provider_account_id, c.team_id, c.provider_tenant_id,
       c.created_at, c.refreshed_at, c.revoked_at, c.revoked_reason, c.metadata
  FROM auth_store.connections c
 WHERE auth_store.tenant_visible(c.tenant_id);
COMMENT ON VIEW auth_store.provider_connections IS 'Every connection to another provider, without its tokens.';
COMMENT ON COLUMN auth_store.provider_connections.status IS
    'valid; expiring, in the last day of the access token or, where that is shorter, the last tenth of its life; '
    'expired; error, where the last refresh failed; revoked.';
COMMENT ON COLUMN auth_store.provider_connections.refresh_at IS
    'From when on connections_due() names it; NULL: never, for lack of a refresh token or an end, or because the '
    'provider said invalid_grant.';
COMMENT ON COLUMN auth_store.provider_connections.leased_until IS
    'Until when whoever leased it last has the refresh token for himself.';
COMMENT ON COLUMN auth_store.provider_connections.failures IS
    'How many refreshes have failed since the last that did not.';
COMMENT ON COLUMN auth_store.provider_connections.refreshed_at IS 'When the provider gave the present access token.';
COMMENT ON COLUMN auth_store.provider_connections.connection_id IS 'The id that the functions take.';
COMMENT ON COLUMN auth_store.provider_connections.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN auth_store.provider_connections.provider IS
    'The provider''s name as the application writes it: github, google …';
COMMENT ON COLUMN auth_store.provider_connections.actor_type IS 'user or api_key: what actor_id names.';
COMMENT ON COLUMN auth_store.provider_connections.actor_id IS
    'Who is connected, by the application''s own id or the store''s.';
COMMENT ON COLUMN auth_store.provider_connections.access_token_expires_at IS
    'The end of the access token as the provider gave it; NULL: it gave none.';
COMMENT ON COLUMN auth_store.provider_connections.has_refresh_token IS
    'Whether the provider gave a refresh token, so that it can be refreshed.';
COMMENT ON COLUMN auth_store.provider_connections.last_error IS
    'Why a refresh last failed, as connection_fail() was told; NULL: never since one succeeded.';
COMMENT ON COLUMN auth_store.provider_connections.last_error_at IS
    'When a refresh last failed; NULL: never since one succeeded.';
COMMENT ON COLUMN auth_store.provider_connections.scope IS 'What the provider granted; NULL: it did not say.';
COMMENT ON COLUMN auth_store.provider_connections.provider_account_id IS 'The account at the provider; NULL: not said.';
COMMENT ON COLUMN auth_store.provider_connections.team_id IS 'The team or workspace at the provider; NULL: none.';
COMMENT ON COLUMN auth_store.provider_connections.provider_tenant_id IS 'The provider''s tenant; NULL: none.';
COMMENT ON COLUMN auth_store.provider_connections.created_at IS 'When the actor was first connected.';
COMMENT ON COLUMN auth_store.provider_connections.revoked_at IS 'When it was revoked; NULL: it was not.';
COMMENT ON COLUMN auth_store.provider_connections.revoked_reason IS
    'Why it was revoked, as the application said; NULL: it did not.';
COMMENT ON COLUMN auth_store.provider_connections.metadata IS 'What the application keeps with it, a JSON object.';
