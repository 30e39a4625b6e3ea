-- Used if the library is not preloaded. Unlogged: a hit writes no WAL, a crash empties the table, and a standby has
-- no rows. No foreign key, and one index, on columns that never change: every update is HOT.
CREATE UNLOGGED TABLE IF NOT EXISTS auth_store.rate_limits (
    id         uuid        NOT NULL,
    expires_at timestamptz NOT NULL,
    allowed    boolean     NOT NULL,
    tenant_id  text COLLATE "C" NOT NULL,
    CONSTRAINT rate_limits_pkey PRIMARY KEY (id, tenant_id)
) WITH (fillfactor = 50);
COMMENT ON TABLE auth_store.rate_limits IS
    'The state of rate limits, where the library is not in shared_preload_libraries. Unlogged: a crash empties it.';
COMMENT ON COLUMN auth_store.rate_limits.id IS
    'The first 16 bytes of SHA-256(tenant_id, 0x00, key); the key itself is not stored.';
COMMENT ON COLUMN auth_store.rate_limits.expires_at IS
    'When all hits will have been paid back: the theoretical arrival time of GCRA. After it the row says nothing.';
COMMENT ON COLUMN auth_store.rate_limits.allowed IS 'What the last hit was told.';
COMMENT ON COLUMN auth_store.rate_limits.tenant_id IS 'The tenant it belongs to.';
COMMENT ON CONSTRAINT rate_limits_pkey ON auth_store.rate_limits IS
    'Finds the state of a limit by the hash of its key. No column of it changes, so a hit is a HOT update.';
