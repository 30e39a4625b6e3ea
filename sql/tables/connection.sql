-- Connections: the tokens other providers gave an actor of a tenant. The tokens are sealed before any statement sees
-- them, both under the data key that key_id names.
CREATE TABLE IF NOT EXISTS auth_store.connections (
    id                      uuid        NOT NULL,
    key_id                  uuid        NOT NULL,
    fence                   bigint      NOT NULL,
    created_at              timestamptz NOT NULL,
    refreshed_at            timestamptz NOT NULL,
    access_token_expires_at timestamptz,
    refresh_at              timestamptz,
    leased_until            timestamptz,
    last_error_at           timestamptz,
    revoked_at              timestamptz,
    failures                integer     NOT NULL,
    tenant_id               text COLLATE "C" NOT NULL,
    actor_type              text COLLATE "C" NOT NULL,
    actor_id                text COLLATE "C" NOT NULL,
    provider                text COLLATE "C" NOT NULL,
    provider_account_id     text,
    team_id                 text,
    provider_tenant_id      text,
    scope                   text,
    last_error              text,
    revoked_reason          text,
    access_token            bytea,
    refresh_token           bytea,
    metadata                jsonb       NOT NULL,
    CONSTRAINT connections_pkey PRIMARY KEY (id, tenant_id),
    CONSTRAINT connections_key UNIQUE (tenant_id, actor_type, actor_id, provider),
    CONSTRAINT connections_vault_key_fkey FOREIGN KEY (key_id, tenant_id)
        REFERENCES auth_store.vault_keys (id, tenant_id),
    CONSTRAINT connections_actor_type_known CHECK (actor_type IN ('user', 'api_key')),
    CONSTRAINT connections_metadata_object CHECK (pg_catalog.jsonb_typeof(metadata) = 'object'),
    CONSTRAINT connections_tokens_unless_revoked CHECK (
        CASE WHEN revoked_at IS NULL THEN access_token IS NOT NULL
             ELSE access_token IS NULL AND refresh_token IS NULL AND refresh_at IS NULL END)
) WITH (fillfactor = 85);
-- Sealed values do not compress.
ALTER TABLE auth_store.connections
    ALTER COLUMN access_token SET STORAGE EXTERNAL,
    ALTER COLUMN refresh_token SET STORAGE EXTERNAL;
CREATE INDEX IF NOT EXISTS connections_vault_key_idx ON auth_store.connections (key_id, tenant_id, id);
CREATE INDEX IF NOT EXISTS connections_refresh_idx ON auth_store.connections (refresh_at, id)
    WHERE refresh_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS connections_ending_idx ON auth_store.connections (access_token_expires_at)
    WHERE access_token_expires_at IS NOT NULL AND refresh_at IS NULL AND revoked_at IS NULL;
COMMENT ON TABLE auth_store.connections IS
    'Tokens of other providers, one row for each provider an actor of a tenant is connected to. '
    'Whoever reads the table has no token; the view provider_connections shows the rest.';
COMMENT ON COLUMN auth_store.connections.key_id IS 'The data key that opens both tokens.';
COMMENT ON COLUMN auth_store.connections.fence IS
    'The number of the last lease. Who comes with an older one has been overtaken.';
COMMENT ON COLUMN auth_store.connections.refreshed_at IS 'When the provider gave the present access token.';
COMMENT ON COLUMN auth_store.connections.refresh_at IS 'From when on connections_due() names it; NULL: never.';
COMMENT ON COLUMN auth_store.connections.leased_until IS
    'Until when whoever leased it last has the refresh token for himself; NULL or past: nobody has.';
COMMENT ON COLUMN auth_store.connections.failures IS 'How many refreshes have failed since the last that did not.';
COMMENT ON COLUMN auth_store.connections.access_token IS
    'nonce(12) ‖ ciphertext ‖ tag(16); AES-256-GCM under a key derived from the data key for tenant, row and column. '
    'NULL once revoked.';
COMMENT ON COLUMN auth_store.connections.refresh_token IS
    'As access_token; NULL where the provider gave none, and once revoked.';
COMMENT ON COLUMN auth_store.connections.metadata IS
    'What the application keeps with the connection. It is not sealed: no secret belongs here.';
COMMENT ON COLUMN auth_store.connections.id IS
    'Names the row. Time-ordered: its first 48 bits are the milliseconds at which it was made, see id_time().';
COMMENT ON COLUMN auth_store.connections.created_at IS 'When the actor was first connected.';
COMMENT ON COLUMN auth_store.connections.access_token_expires_at IS
    'The end of the access token as the provider gave it; NULL: it gave none.';
COMMENT ON COLUMN auth_store.connections.last_error_at IS
    'When a refresh last failed; NULL: never since one succeeded.';
COMMENT ON COLUMN auth_store.connections.revoked_at IS
    'When it was revoked; the tokens are gone since. NULL: it was not.';
COMMENT ON COLUMN auth_store.connections.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN auth_store.connections.actor_type IS 'user or api_key: what actor_id names.';
COMMENT ON COLUMN auth_store.connections.actor_id IS 'Who is connected, by the application''s own id or the store''s.';
COMMENT ON COLUMN auth_store.connections.provider IS
    'The provider''s name as the application writes it: github, google …';
COMMENT ON COLUMN auth_store.connections.provider_account_id IS 'The account at the provider; NULL: not said.';
COMMENT ON COLUMN auth_store.connections.team_id IS 'The team or workspace at the provider; NULL: none.';
COMMENT ON COLUMN auth_store.connections.provider_tenant_id IS 'The provider''s tenant; NULL: none.';
COMMENT ON COLUMN auth_store.connections.scope IS 'What the provider granted; NULL: it did not say.';
COMMENT ON COLUMN auth_store.connections.last_error IS
    'Why a refresh last failed, as connection_fail() was told; NULL: never since one succeeded.';
COMMENT ON COLUMN auth_store.connections.revoked_reason IS
    'Why it was revoked, as the application said; NULL: it did not.';
COMMENT ON CONSTRAINT connections_pkey ON auth_store.connections IS
    'Finds a connection by id, in a lease and its completion.';
COMMENT ON CONSTRAINT connections_key ON auth_store.connections IS
    'An actor is connected to a provider once: to store tokens again replaces them. Its look-up is that of '
    'connection_get().';
COMMENT ON CONSTRAINT connections_vault_key_fkey ON auth_store.connections IS
    'A data key stays as long as it opens a token, so no connection becomes unreadable.';
COMMENT ON CONSTRAINT connections_actor_type_known ON auth_store.connections IS
    'user or api_key: by it user_erase() and api_key_revoke() find what goes along.';
COMMENT ON CONSTRAINT connections_metadata_object ON auth_store.connections IS
    'A JSON object, so that an application can add a member without a look at what is there.';
COMMENT ON CONSTRAINT connections_tokens_unless_revoked ON auth_store.connections IS
    'A connection that is revoked holds no token and is never due; one that is not has an access token.';
COMMENT ON INDEX auth_store.connections_vault_key_idx IS
    'What a data key has sealed, in the order in which vault_rekey() walks it; covers connections_vault_key_fkey.';
COMMENT ON INDEX auth_store.connections_refresh_idx IS
    'Finds connections that are due, the longest overdue first, for connections_due().';
COMMENT ON INDEX auth_store.connections_ending_idx IS
    'Finds connections that end and cannot be refreshed, for the view alerts.';
