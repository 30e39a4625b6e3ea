CREATE OR REPLACE VIEW auth_store.provider_connections WITH (security_barrier = true) AS
SELECT c.id AS connection_id, c.tenant_id, c.provider, c.actor_type, c.actor_id,
       auth_store.connection_status(pg_catalog.statement_timestamp(), c.refreshed_at, c.access_token_expires_at,
                                    c.failures, c.revoked_at) AS status,
       c.access_token_expires_at, c.refresh_token IS NOT NULL AS has_refresh_token, c.refresh_at, c.leased_until,
       c.failures, c.last_error, c.last_error_at, c.scope, c.provider_account_id, c.team_id, c.provider_tenant_id,
       c.created_at, c.refreshed_at, c.revoked_at, c.revoked_reason, c.metadata, u.email
  FROM auth_store.connections c
  -- The application's own id goes before the store's, as an application may use uuids too.
  LEFT JOIN auth_store.users u
       ON c.actor_type = 'user' AND u.tenant_id = c.tenant_id
      AND u.id = COALESCE(
              (SELECT n.user_id FROM auth_store.user_names n
                WHERE n.tenant_id = c.tenant_id AND n.kind = 'external' AND n.name_key = c.actor_id),
              CASE WHEN c.actor_id ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN c.actor_id::uuid END)
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
COMMENT ON COLUMN auth_store.provider_connections.email IS
    'The address of the user whose connection it is; NULL: the actor is no user of the store, or has no address.';
