-- The vault's data keys, each wrapped by the master key that it names. Master keys are not in the database.
CREATE TABLE IF NOT EXISTS auth_store.vault_keys (
    id            uuid        NOT NULL,
    created_at    timestamptz NOT NULL,
    retired_at    timestamptz,
    tenant_id     text COLLATE "C" NOT NULL,
    master_key_id text COLLATE "C" NOT NULL,
    wrapped       bytea       NOT NULL,
    CONSTRAINT vault_keys_pkey PRIMARY KEY (id, tenant_id),
    CONSTRAINT vault_keys_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES auth_store.tenants (id),
    CONSTRAINT vault_keys_wrapped_length CHECK (pg_catalog.octet_length(wrapped) = 60)
);
CREATE UNIQUE INDEX IF NOT EXISTS vault_keys_current_key ON auth_store.vault_keys (tenant_id) WHERE retired_at IS NULL;
CREATE INDEX IF NOT EXISTS vault_keys_tenant_idx ON auth_store.vault_keys (tenant_id);
CREATE INDEX IF NOT EXISTS vault_keys_retired_idx ON auth_store.vault_keys (id) WHERE retired_at IS NOT NULL;
COMMENT ON TABLE auth_store.vault_keys IS
    'Data keys of the vault, one that seals for each tenant and those that older values need, each wrapped by a '
    'master key (AES-256-GCM).';
COMMENT ON COLUMN auth_store.vault_keys.master_key_id IS
    'The key_id of the line that opens it in what auth_store.master_key_file or auth_store.master_key_command give.';
COMMENT ON COLUMN auth_store.vault_keys.wrapped IS
    'nonce(12) ‖ ciphertext(32) ‖ tag(16), under a key derived from the master key for tenant, row and column.';
COMMENT ON COLUMN auth_store.vault_keys.retired_at IS
    'Since when it seals nothing any more; NULL: it is the one of its tenant that does.';
COMMENT ON COLUMN auth_store.vault_keys.id IS
    'Names the row. Time-ordered: its first 48 bits are the milliseconds at which it was made, see id_time().';
COMMENT ON COLUMN auth_store.vault_keys.created_at IS 'When it was made.';
COMMENT ON COLUMN auth_store.vault_keys.tenant_id IS 'The tenant it belongs to.';
COMMENT ON CONSTRAINT vault_keys_pkey ON auth_store.vault_keys IS
    'Finds the data key that a sealed value names. With the tenant in it, no value can name another tenant''s key.';
COMMENT ON CONSTRAINT vault_keys_tenant_fkey ON auth_store.vault_keys IS
    'Data keys go before their tenant does; tenant_erase() deletes them, and what they sealed is lost for good.';
COMMENT ON CONSTRAINT vault_keys_wrapped_length ON auth_store.vault_keys IS
    'nonce(12) ‖ ciphertext(32) ‖ tag(16): 60 bytes. Another length cannot be unwrapped.';
COMMENT ON INDEX auth_store.vault_keys_current_key IS
    'One key of a tenant seals: two sessions that make the first one at once cannot both add one.';
COMMENT ON INDEX auth_store.vault_keys_tenant_idx IS
    'The keys of a tenant, retired ones too, for vault_rekey() and tenant_erase(); covers vault_keys_tenant_fkey.';
COMMENT ON INDEX auth_store.vault_keys_retired_idx IS
    'Finds retired keys in the order of their age, for vault_rekey(), which deletes those that nothing needs any more.';
