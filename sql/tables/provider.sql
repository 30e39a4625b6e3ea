CREATE TABLE IF NOT EXISTS auth_store.providers (
    created_at             timestamptz NOT NULL,
    updated_at             timestamptz NOT NULL,
    name                   text COLLATE "C" NOT NULL,
    display_name           text        NOT NULL,
    authorization_endpoint text,
    token_endpoint         text,
    revocation_endpoint    text,
    metadata               jsonb       NOT NULL,
    CONSTRAINT providers_pkey PRIMARY KEY (name)
);
COMMENT ON TABLE auth_store.providers IS
    'Providers that were registered for the connections of all tenants; those that every store knows have no row. '
    'See provider_list().';
COMMENT ON COLUMN auth_store.providers.created_at IS 'When it was first registered.';
COMMENT ON COLUMN auth_store.providers.updated_at IS 'When it was last registered.';
COMMENT ON COLUMN auth_store.providers.name IS 'What connections call it: github.';
COMMENT ON COLUMN auth_store.providers.display_name IS 'What people call it.';
COMMENT ON COLUMN auth_store.providers.authorization_endpoint IS
    'Where users are sent to (RFC 6749 section 3.1); NULL: not said, or it depends on the account.';
COMMENT ON COLUMN auth_store.providers.token_endpoint IS
    'Where tokens come from (RFC 6749 section 3.2); NULL: not said, or it depends on the account.';
COMMENT ON COLUMN auth_store.providers.revocation_endpoint IS
    'Where tokens are revoked (RFC 7009); NULL: not said, or there is none.';
COMMENT ON COLUMN auth_store.providers.metadata IS 'What else an application keeps of it, a JSON object; no secret.';
COMMENT ON CONSTRAINT providers_pkey ON auth_store.providers IS
    'A provider is its name, which connections and identities of all tenants use.';
