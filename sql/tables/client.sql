CREATE TABLE IF NOT EXISTS auth_store.clients (
    id                         text COLLATE "C" NOT NULL,
    tenant_id                  text COLLATE "C" NOT NULL DEFAULT 'default',
    status                     text        NOT NULL DEFAULT 'active',
    tenant_suspended           boolean     NOT NULL DEFAULT false,
    client_type                text        NOT NULL,
    token_endpoint_auth_method text        NOT NULL,
    require_pkce               boolean     NOT NULL,
    refresh_rotation           boolean     NOT NULL DEFAULT true,
    access_token_ttl           integer     NOT NULL DEFAULT 3600,
    refresh_token_ttl          integer     NOT NULL DEFAULT 7776000,
    refresh_idle_ttl           integer     NOT NULL DEFAULT 2592000,
    refresh_grace              integer,
    rate_limit_per_hour        integer,
    scope                      text        NOT NULL DEFAULT '',
    grant_types                text[]      NOT NULL,
    redirect_uris              text[]      NOT NULL DEFAULT '{}',
    resources                  text[]      NOT NULL DEFAULT '{}',
    name                       text        NOT NULL,
    status_reason              text,
    metadata                   jsonb       NOT NULL DEFAULT '{}',
    created_at                 timestamptz NOT NULL,
    updated_at                 timestamptz NOT NULL,
    CONSTRAINT clients_pkey PRIMARY KEY (id, tenant_id),
    CONSTRAINT clients_id_key UNIQUE (id),
    CONSTRAINT clients_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES auth_store.tenants (id),
    CONSTRAINT clients_status_known CHECK (status IN ('active', 'suspended', 'revoked', 'pending')),
    CONSTRAINT clients_type_known CHECK (client_type IN ('confidential', 'public')),
    CONSTRAINT clients_access_token_ttl_range CHECK (access_token_ttl BETWEEN 1 AND 86400),
    CONSTRAINT clients_refresh_token_ttl_positive CHECK (refresh_token_ttl > 0),
    CONSTRAINT clients_refresh_idle_ttl_positive CHECK (refresh_idle_ttl > 0),
    CONSTRAINT clients_refresh_grace_range CHECK (refresh_grace BETWEEN 0 AND 300),
    CONSTRAINT clients_rate_limit_positive CHECK (rate_limit_per_hour > 0),
    CONSTRAINT clients_metadata_object CHECK (pg_catalog.jsonb_typeof(metadata) = 'object')
);
CREATE INDEX IF NOT EXISTS clients_tenant_idx ON auth_store.clients (tenant_id);
COMMENT ON TABLE auth_store.clients IS
    'OAuth 2 clients (RFC 6749 section 2). Their secrets are in client_secrets, as digests.';
COMMENT ON COLUMN auth_store.clients.id IS 'The client_id of RFC 6749 section 2.2, unique over all tenants.';
COMMENT ON COLUMN auth_store.clients.tenant_suspended IS
    'Copy of the tenant''s suspension, so that validating a token reads no tenant.';
COMMENT ON COLUMN auth_store.clients.scope IS
    'Space-separated scope tokens the client may be granted; empty means none.';
COMMENT ON COLUMN auth_store.clients.access_token_ttl IS 'Seconds an access token lives, at most 86400.';
COMMENT ON COLUMN auth_store.clients.refresh_token_ttl IS
    'Seconds from the login to the absolute end of a refresh token family.';
COMMENT ON COLUMN auth_store.clients.refresh_idle_ttl IS 'Seconds an unused refresh token family lives.';
COMMENT ON COLUMN auth_store.clients.refresh_grace IS
    'Seconds in which the previous refresh token is answered with the same successor; NULL: auth_store.refresh_grace.';
COMMENT ON COLUMN auth_store.clients.refresh_rotation IS
    'false keeps the refresh token at each use; confidential or sender-constrained clients only (RFC 9700 '
    'section 4.14.2).';
COMMENT ON COLUMN auth_store.clients.resources IS
    'Resource indicators (RFC 8707) the client may name; empty means any.';
COMMENT ON COLUMN auth_store.clients.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN auth_store.clients.status IS
    'active, pending, suspended or revoked; only an active one gets or uses tokens.';
COMMENT ON COLUMN auth_store.clients.client_type IS 'confidential or public (RFC 6749 section 2.1).';
COMMENT ON COLUMN auth_store.clients.token_endpoint_auth_method IS
    'How it authenticates (RFC 7591 section 2): client_secret_basic, client_secret_post, private_key_jwt, '
    'tls_client_auth, none …';
COMMENT ON COLUMN auth_store.clients.require_pkce IS
    'Whether an authorization request without a code challenge is refused.';
COMMENT ON COLUMN auth_store.clients.rate_limit_per_hour IS
    'Authenticated requests an hour, at most; NULL: any number.';
COMMENT ON COLUMN auth_store.clients.grant_types IS 'The grant types it may use (RFC 7591 section 2).';
COMMENT ON COLUMN auth_store.clients.redirect_uris IS 'The redirect URIs that it registered, compared exactly.';
COMMENT ON COLUMN auth_store.clients.name IS 'What users read when they are asked.';
COMMENT ON COLUMN auth_store.clients.status_reason IS
    'Why it has its status, as client_set_status() was told; NULL: it was told nothing.';
COMMENT ON COLUMN auth_store.clients.metadata IS 'What the application keeps with it, a JSON object.';
COMMENT ON COLUMN auth_store.clients.created_at IS 'When it was registered.';
COMMENT ON COLUMN auth_store.clients.updated_at IS 'When it was last changed.';

CREATE TABLE IF NOT EXISTS auth_store.client_secrets (
    id          uuid        NOT NULL,
    created_at  timestamptz NOT NULL,
    expires_at  timestamptz,
    tenant_id   text COLLATE "C" NOT NULL,
    client_id   text COLLATE "C" NOT NULL,
    digest      bytea,
    secret_hash text,
    CONSTRAINT client_secrets_pkey PRIMARY KEY (id, tenant_id),
    CONSTRAINT client_secrets_client_fkey FOREIGN KEY (client_id, tenant_id)
        REFERENCES auth_store.clients (id, tenant_id) ON DELETE CASCADE,
    CONSTRAINT client_secrets_one_form CHECK ((digest IS NULL) <> (secret_hash IS NULL)),
    CONSTRAINT client_secrets_digest_length CHECK (pg_catalog.octet_length(digest) = 32)
);
CREATE INDEX IF NOT EXISTS client_secrets_client_idx ON auth_store.client_secrets (client_id, tenant_id);
CREATE INDEX IF NOT EXISTS client_secrets_expires_idx ON auth_store.client_secrets (expires_at)
    WHERE expires_at IS NOT NULL;
COMMENT ON TABLE auth_store.client_secrets IS
    'Client secrets: SHA-256 of a generated secret, or an imported argon2id or bcrypt hash.';
COMMENT ON COLUMN auth_store.client_secrets.expires_at IS 'End of the overlap after a rotation; NULL: until rotated.';
COMMENT ON COLUMN auth_store.client_secrets.id IS 'Time-ordered, see id_time().';
COMMENT ON COLUMN auth_store.client_secrets.created_at IS 'When it was made or imported.';
COMMENT ON COLUMN auth_store.client_secrets.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN auth_store.client_secrets.client_id IS 'Whose secret it is.';
COMMENT ON COLUMN auth_store.client_secrets.digest IS
    'SHA-256 of a secret that the store generated; NULL where secret_hash is the form.';
COMMENT ON COLUMN auth_store.client_secrets.secret_hash IS
    'The argon2id or bcrypt hash of an imported secret; NULL where digest is the form.';
