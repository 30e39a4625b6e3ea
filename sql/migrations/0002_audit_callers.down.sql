-- Back to version 1. Who called and what an application wrote is lost.
DROP VIEW auth_store.recent_activity, auth_store.failed_actions, auth_store.security_events, auth_store.token_activity,
    auth_store.provider_connections;
ALTER TABLE auth_store.audit_log
    DROP COLUMN called_by,
    DROP COLUMN called_as,
    DROP COLUMN from_application;

DO $$
DECLARE
    item record;
BEGIN
    FOR item IN
        SELECT c.oid::pg_catalog.regclass AS name
          FROM pg_catalog.pg_class c
          LEFT JOIN pg_catalog.pg_inherits i ON i.inhrelid = c.oid
         WHERE COALESCE(i.inhparent, c.oid) IN ('auth_store.audit_log'::pg_catalog.regclass,
                   'auth_store.claimed_jtis'::pg_catalog.regclass, 'auth_store.revoked_jtis'::pg_catalog.regclass)
    LOOP
        EXECUTE pg_catalog.format('ALTER TABLE %s REPLICA IDENTITY DEFAULT', item.name);
    END LOOP;
END
$$;

ALTER TABLE auth_store.imported_api_keys REPLICA IDENTITY DEFAULT;

-- The first of each version stays.
DELETE FROM auth_store.schema_version v
 WHERE EXISTS (SELECT FROM auth_store.schema_version o WHERE o.version = v.version AND o.applied_at < v.applied_at);
ALTER TABLE auth_store.schema_version
    DROP CONSTRAINT schema_version_pkey,
    ADD CONSTRAINT schema_version_pkey PRIMARY KEY (version);
COMMENT ON TABLE auth_store.schema_version IS
    'Versions of the tables that install() and migrate() applied; the highest is current.';
COMMENT ON TABLE auth_store.tenants IS
    'Tenants. A store with one tenant uses the seeded ''default'' and never names it.';

INSERT INTO auth_store.tenants (id, display_name, created_at, updated_at)
VALUES ('default', 'Default tenant', pg_catalog.clock_timestamp(), pg_catalog.clock_timestamp())
ON CONFLICT (id) DO NOTHING;

CREATE VIEW auth_store.recent_activity AS
SELECT a.occurred_at, a.event, a.success, a.error, a.risk_score, a.flags, a.tenant_id, a.client_id, a.user_id,
       a.grant_id, a.session_id, a.resource_type, a.resource_id, a.ip, a.user_agent, a.details, a.id
  FROM auth_store.audit_log a
 WHERE a.occurred_at >= pg_catalog.statement_timestamp() - interval '30 days';
COMMENT ON VIEW auth_store.recent_activity IS
    'The audit trail of the last 30 days, a row a step. Narrow occurred_at, user_id or grant_id: those are indexed.';
COMMENT ON COLUMN auth_store.recent_activity.event IS
    'What happened: code.redeemed, token.refreshed …; docs/audit.md lists them.';
COMMENT ON COLUMN auth_store.recent_activity.error IS 'The RFC''s code of a refusal; NULL on success.';
COMMENT ON COLUMN auth_store.recent_activity.client_id IS
    'The client as it was named in the request, also where no such client exists.';
COMMENT ON COLUMN auth_store.recent_activity.id IS 'Time-ordered, see id_time().';

CREATE VIEW auth_store.failed_actions AS
SELECT a.occurred_at, a.event, a.error, a.risk_score, a.flags, a.tenant_id, a.client_id, a.user_id,
       a.grant_id, a.session_id, a.resource_type, a.resource_id, a.ip, a.user_agent, a.details, a.id
  FROM auth_store.audit_log a
 WHERE NOT a.success;
COMMENT ON VIEW auth_store.failed_actions IS
    'Every step that was refused, as far back as the audit trail goes. Narrow occurred_at to read fewer months.';
COMMENT ON COLUMN auth_store.failed_actions.error IS
    'The RFC''s code of the refusal; NULL where an application reported a failure without one.';
COMMENT ON COLUMN auth_store.failed_actions.client_id IS
    'The client as it was named in the request, also where no such client exists.';

CREATE VIEW auth_store.token_activity AS
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
 WHERE a.occurred_at >= pg_catalog.statement_timestamp() - interval '30 days'
   AND a.event ~ '^((code|token|grant|device)[.]|code_replay$|refresh_reuse$)'
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

CREATE VIEW auth_store.security_events AS
SELECT a.occurred_at,
       CASE WHEN a.risk_score >= 0.9::real THEN 'critical'
            WHEN a.risk_score >= 0.6::real THEN 'high'
            WHEN a.risk_score >= 0.3::real THEN 'medium'
            ELSE 'low' END AS severity,
       a.risk_score, a.flags, a.event, a.success, a.error, a.tenant_id, a.client_id, a.user_id,
       a.grant_id, a.session_id, a.resource_type, a.resource_id, a.ip, a.user_agent, a.details, a.id
  FROM auth_store.audit_log a
 WHERE a.risk_score > 0;
COMMENT ON VIEW auth_store.security_events IS
    'Every step with a risk: replays, reuse, wrong secrets, another network, also where it succeeded. '
    'Narrow occurred_at to read fewer months.';
COMMENT ON COLUMN auth_store.security_events.severity IS
    'critical from risk 0.90 on, high from 0.60, medium from 0.30, else low.';
COMMENT ON COLUMN auth_store.security_events.flags IS
    'Why; the risk is that of the riskiest flag, docs/audit.md has the table.';

CREATE VIEW auth_store.provider_connections AS
SELECT c.id AS connection_id, c.tenant_id, c.provider, c.actor_type, c.actor_id,
       auth_store.connection_status(pg_catalog.statement_timestamp(), c.refreshed_at, c.access_token_expires_at,
                                    c.failures, c.revoked_at) AS status,
       c.access_token_expires_at, c.refresh_token IS NOT NULL AS has_refresh_token, c.refresh_at, c.leased_until,
       c.failures, c.last_error, c.last_error_at, c.scope, c.provider_account_id, c.team_id, c.provider_tenant_id,
       c.created_at, c.refreshed_at, c.revoked_at, c.revoked_reason, c.metadata
  FROM auth_store.connections c;
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
