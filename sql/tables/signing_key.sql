-- The keys that tokens are signed with. What a key is for follows from its times, so that no job has to turn it over.
CREATE TABLE IF NOT EXISTS auth_store.signing_keys (
    id           uuid        NOT NULL,
    key_id       uuid        NOT NULL,
    published_at timestamptz NOT NULL,
    active_from  timestamptz NOT NULL,
    retired_at   timestamptz,
    longest_life integer     NOT NULL,
    tenant_id    text COLLATE "C" NOT NULL,
    alg          text COLLATE "C" NOT NULL,
    kid          text COLLATE "C" NOT NULL,
    public_key   jsonb       NOT NULL,
    private_key  bytea       NOT NULL,
    CONSTRAINT signing_keys_pkey PRIMARY KEY (id, tenant_id),
    CONSTRAINT signing_keys_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES auth_store.tenants (id),
    CONSTRAINT signing_keys_vault_key_fkey FOREIGN KEY (key_id, tenant_id)
        REFERENCES auth_store.vault_keys (id, tenant_id),
    CONSTRAINT signing_keys_alg_known CHECK (alg IN ('ES256', 'EdDSA', 'RS256')),
    CONSTRAINT signing_keys_kid_length CHECK (pg_catalog.length(kid) = 43),
    CONSTRAINT signing_keys_times_ordered CHECK (published_at <= active_from AND active_from <= retired_at)
);
CREATE UNIQUE INDEX IF NOT EXISTS signing_keys_kid_key ON auth_store.signing_keys (tenant_id, kid);
CREATE UNIQUE INDEX IF NOT EXISTS signing_keys_last_key ON auth_store.signing_keys (tenant_id, alg)
    WHERE retired_at IS NULL;
CREATE INDEX IF NOT EXISTS signing_keys_vault_key_idx ON auth_store.signing_keys (key_id, tenant_id, id);
COMMENT ON TABLE auth_store.signing_keys IS
    'The keys that JWTs of tenants are signed with, one for each algorithm, with the next one and those that older '
    'tokens need.';
COMMENT ON COLUMN auth_store.signing_keys.id IS
    'Names the row. Time-ordered: its first 48 bits are the milliseconds at which it was made, see id_time().';
COMMENT ON COLUMN auth_store.signing_keys.key_id IS 'The data key of the vault that opens the private key.';
COMMENT ON COLUMN auth_store.signing_keys.published_at IS 'Since when it is in the tenant''s JWKS.';
COMMENT ON COLUMN auth_store.signing_keys.active_from IS 'When it begins to sign.';
COMMENT ON COLUMN auth_store.signing_keys.retired_at IS
    'When it ceases to sign, which is when the one that follows begins; NULL: none follows yet. One of these for each '
    'tenant and algorithm.';
COMMENT ON COLUMN auth_store.signing_keys.longest_life IS
    'Seconds that the token lives which lives longest of those that it signed, or more: so long, and a minute, it '
    'stays in the JWKS after it has ceased to sign.';
COMMENT ON COLUMN auth_store.signing_keys.tenant_id IS 'The tenant whose tokens it signs.';
COMMENT ON COLUMN auth_store.signing_keys.alg IS 'By which algorithm: ES256, EdDSA or RS256 (RFC 7518, RFC 8037).';
COMMENT ON COLUMN auth_store.signing_keys.kid IS
    'Its name in the JWKS and in what it signs: the thumbprint of the public key (RFC 7638).';
COMMENT ON COLUMN auth_store.signing_keys.public_key IS 'The public key as the JWKS has it (RFC 7517).';
COMMENT ON COLUMN auth_store.signing_keys.private_key IS 'The private key in PKCS #8, sealed by the vault.';
COMMENT ON CONSTRAINT signing_keys_pkey ON auth_store.signing_keys IS
    'Names the row; with the tenant in it a publication can filter by tenant.';
COMMENT ON CONSTRAINT signing_keys_tenant_fkey ON auth_store.signing_keys IS
    'Signing keys go before their tenant does; tenant_erase() deletes them.';
COMMENT ON CONSTRAINT signing_keys_vault_key_fkey ON auth_store.signing_keys IS
    'A data key stays as long as it opens a private key, so no signing key becomes unreadable.';
COMMENT ON CONSTRAINT signing_keys_alg_known ON auth_store.signing_keys IS
    'The algorithms that the store signs with: ES256 and RS256 (RFC 7518), EdDSA (RFC 8037).';
COMMENT ON CONSTRAINT signing_keys_kid_length ON auth_store.signing_keys IS
    'A SHA-256 thumbprint (RFC 7638) in base64url: 43 characters.';
COMMENT ON CONSTRAINT signing_keys_times_ordered ON auth_store.signing_keys IS
    'A key is published before it signs and signs before it retires, so that who has fetched the JWKS knows it.';
COMMENT ON INDEX auth_store.signing_keys_kid_key IS
    'Finds the key that a token names by its kid, and keeps two keys of a tenant from having one name.';
COMMENT ON INDEX auth_store.signing_keys_last_key IS
    'One key of a tenant and algorithm has no successor: two sessions that rotate at once cannot both add one.';
COMMENT ON INDEX auth_store.signing_keys_vault_key_idx IS
    'What a data key has sealed, in the order in which vault_rekey() walks it; covers signing_keys_vault_key_fkey.';
