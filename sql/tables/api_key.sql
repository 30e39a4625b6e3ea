-- A use writes last_used_at and last_used_ip alone, by a HOT update: neither may ever be indexed.
CREATE TABLE IF NOT EXISTS auth_store.api_keys (
    id                  uuid        NOT NULL,
    expires_at          timestamptz,
    revoked_at          timestamptz,
    previous_expires_at timestamptz,
    last_used_at        timestamptz,
    rotated_at          timestamptz,
    user_id             uuid,
    rate_limit_per_hour integer,
    tenant_suspended    boolean     NOT NULL DEFAULT false,
    tenant_id           text COLLATE "C" NOT NULL,
    client_id           text COLLATE "C",
    digest              bytea       NOT NULL,
    previous_digest     bytea,
    scope               text        NOT NULL,
    name                text        NOT NULL,
    allowed_cidrs       cidr[],
    metadata            jsonb       NOT NULL DEFAULT '{}',
    prefix              text        NOT NULL,
    start               text,
    revoked_reason      text,
    last_used_ip        inet,
    CONSTRAINT api_keys_pkey PRIMARY KEY (id, tenant_id),
    CONSTRAINT api_keys_user_fkey FOREIGN KEY (user_id, tenant_id)
        REFERENCES auth_store.users (id, tenant_id) ON DELETE CASCADE,
    CONSTRAINT api_keys_client_fkey FOREIGN KEY (client_id, tenant_id)
        REFERENCES auth_store.clients (id, tenant_id) ON DELETE CASCADE,
    CONSTRAINT api_keys_one_owner CHECK ((user_id IS NULL) <> (client_id IS NULL)),
    CONSTRAINT api_keys_digest_length CHECK (pg_catalog.octet_length(digest) = 32),
    CONSTRAINT api_keys_rate_limit_positive CHECK (rate_limit_per_hour > 0),
    CONSTRAINT api_keys_metadata_object CHECK (pg_catalog.jsonb_typeof(metadata) = 'object')
) WITH (fillfactor = 90);
CREATE INDEX IF NOT EXISTS api_keys_user_idx ON auth_store.api_keys (user_id, tenant_id) WHERE user_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS api_keys_client_idx ON auth_store.api_keys (client_id, tenant_id)
    WHERE client_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS api_keys_tenant_idx ON auth_store.api_keys (tenant_id);
CREATE INDEX IF NOT EXISTS api_keys_ended_idx ON auth_store.api_keys (LEAST(expires_at, revoked_at))
    WHERE LEAST(expires_at, revoked_at) IS NOT NULL;
COMMENT ON TABLE auth_store.api_keys IS 'API keys as SHA-256 digests: long-lived secrets of a user or a client.';
COMMENT ON COLUMN auth_store.api_keys.id IS
    'Time-ordered, see id_time(). The 16 bytes behind the prefix of the key''s text.';
COMMENT ON COLUMN auth_store.api_keys.digest IS 'SHA-256 of the whole text.';
COMMENT ON COLUMN auth_store.api_keys.previous_digest IS
    'SHA-256 of the text before the last rotation; it works until previous_expires_at.';
COMMENT ON COLUMN auth_store.api_keys.tenant_suspended IS
    'Copy of the tenant''s suspension, so that verifying a key reads no tenant.';
COMMENT ON COLUMN auth_store.api_keys.scope IS
    'Space-separated scope tokens; orders:* stands for all that begin with orders: and * for all.';
COMMENT ON COLUMN auth_store.api_keys.allowed_cidrs IS 'The networks it works from; NULL: any.';
COMMENT ON COLUMN auth_store.api_keys.start IS
    'The first characters of its text, to know it by; nothing of the secret is in them.';
COMMENT ON COLUMN auth_store.api_keys.last_used_at IS 'Written by api_key_touch(), at most once a minute.';
COMMENT ON COLUMN auth_store.api_keys.expires_at IS 'Its end; NULL: it has none.';
COMMENT ON COLUMN auth_store.api_keys.revoked_at IS 'When it was revoked; NULL: it was not.';
COMMENT ON COLUMN auth_store.api_keys.previous_expires_at IS
    'Until when the text before the last rotation works too; NULL: it was never rotated.';
COMMENT ON COLUMN auth_store.api_keys.rotated_at IS 'When it was last rotated; NULL: never.';
COMMENT ON COLUMN auth_store.api_keys.user_id IS 'Whose it is; NULL where it is a client''s.';
COMMENT ON COLUMN auth_store.api_keys.rate_limit_per_hour IS 'Uses an hour, at most; NULL: any number.';
COMMENT ON COLUMN auth_store.api_keys.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN auth_store.api_keys.client_id IS 'Whose it is; NULL where it is a user''s.';
COMMENT ON COLUMN auth_store.api_keys.name IS 'What its owner calls it.';
COMMENT ON COLUMN auth_store.api_keys.metadata IS 'What the application keeps with it, a JSON object.';
COMMENT ON COLUMN auth_store.api_keys.prefix IS 'How its text begins, such as sk_live_.';
COMMENT ON COLUMN auth_store.api_keys.revoked_reason IS
    'Why it was revoked, as the application said; NULL: it did not.';
COMMENT ON COLUMN auth_store.api_keys.last_used_ip IS
    'From where it was last used, by api_key_touch(); NULL: never, or not known.';
COMMENT ON CONSTRAINT api_keys_pkey ON auth_store.api_keys IS
    'Finds the key by the 16 bytes behind its prefix; no index holds a digest. With the tenant in it, foreign keys '
    'carry both.';
COMMENT ON CONSTRAINT api_keys_user_fkey ON auth_store.api_keys IS
    'Keys go with their user. The tenant is in it, so that no key works for another tenant''s user.';
COMMENT ON CONSTRAINT api_keys_client_fkey ON auth_store.api_keys IS
    'Keys go with their client. The tenant is in it, so that no key works for another tenant''s client.';
COMMENT ON CONSTRAINT api_keys_one_owner ON auth_store.api_keys IS
    'A key is a user''s or a client''s: its owner''s status decides whether it works.';
COMMENT ON CONSTRAINT api_keys_digest_length ON auth_store.api_keys IS 'A SHA-256: 32 bytes.';
COMMENT ON CONSTRAINT api_keys_rate_limit_positive ON auth_store.api_keys IS
    'Uses an hour; a key that may do nothing is revoked, not limited to 0.';
COMMENT ON CONSTRAINT api_keys_metadata_object ON auth_store.api_keys IS
    'A JSON object, so that an application can add a member without a look at what is there.';
COMMENT ON INDEX auth_store.api_keys_user_idx IS
    'The keys of a user, to list and to end them; covers api_keys_user_fkey.';
COMMENT ON INDEX auth_store.api_keys_client_idx IS
    'The keys of a client, to list and to end them; covers api_keys_client_fkey.';
COMMENT ON INDEX auth_store.api_keys_tenant_idx IS 'The keys of a tenant, for tenant_set_status() and tenant_erase().';
COMMENT ON INDEX auth_store.api_keys_ended_idx IS
    'Finds keys that have expired or were revoked, for cleanup; a key without an end has no entry.';

-- A key of another store names no row: it is found by its digest. Only imported keys pay for this index.
CREATE TABLE IF NOT EXISTS auth_store.imported_api_keys (
    api_key_id uuid  NOT NULL,
    tenant_id  text COLLATE "C" NOT NULL,
    digest     bytea NOT NULL,
    CONSTRAINT imported_api_keys_pkey PRIMARY KEY (digest),
    CONSTRAINT imported_api_keys_key_fkey FOREIGN KEY (api_key_id, tenant_id)
        REFERENCES auth_store.api_keys (id, tenant_id) ON DELETE CASCADE
);
-- The key has no tenant; with the whole row as identity a publication may filter by tenant.
ALTER TABLE auth_store.imported_api_keys REPLICA IDENTITY FULL;
CREATE INDEX IF NOT EXISTS imported_api_keys_key_idx ON auth_store.imported_api_keys (api_key_id, tenant_id);
COMMENT ON TABLE auth_store.imported_api_keys IS
    'By which digest an API key of another store is found; the key itself is in api_keys.';
COMMENT ON COLUMN auth_store.imported_api_keys.api_key_id IS 'The key that this digest leads to.';
COMMENT ON COLUMN auth_store.imported_api_keys.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN auth_store.imported_api_keys.digest IS 'SHA-256 of the key''s text.';
COMMENT ON CONSTRAINT imported_api_keys_pkey ON auth_store.imported_api_keys IS
    'By which the text is found: it carries no id of this store. A text is imported once.';
COMMENT ON CONSTRAINT imported_api_keys_key_fkey ON auth_store.imported_api_keys IS 'The digest goes with its key.';
COMMENT ON INDEX auth_store.imported_api_keys_key_idx IS
    'Covers imported_api_keys_key_fkey: finds the digest of a key that is deleted.';
