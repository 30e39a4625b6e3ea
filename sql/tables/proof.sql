-- JWT ids, as hashes. The partitioned parents carry no key and no index: each partition gets its own, made by
-- the first row that needs it. What has ended is dropped with its partition, never deleted.
CREATE TABLE IF NOT EXISTS auth_store.claimed_jtis (
    jti_hash   uuid        NOT NULL,
    expires_at timestamptz NOT NULL,
    tenant_id  text COLLATE "C" NOT NULL
) PARTITION BY RANGE (expires_at);
COMMENT ON TABLE auth_store.claimed_jtis IS
    'JWT ids that were claimed, once each: of client assertions (RFC 7523) and DPoP proofs (RFC 9449); hourly '
    'partitions, bounds in UTC.';
COMMENT ON COLUMN auth_store.claimed_jtis.jti_hash IS
    'The first half of the SHA-256 of the tenant, the issuer (or key and URI of a proof) and the jti.';
COMMENT ON COLUMN auth_store.claimed_jtis.expires_at IS
    'The end of the claim, rounded up to the end of its day where it was more than two hours away.';
COMMENT ON COLUMN auth_store.claimed_jtis.tenant_id IS 'The tenant it belongs to.';

CREATE TABLE IF NOT EXISTS auth_store.revoked_jtis (
    jti_hash   uuid        NOT NULL,
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz NOT NULL,
    tenant_id  text COLLATE "C" NOT NULL,
    reason     text
) PARTITION BY RANGE (expires_at);
COMMENT ON TABLE auth_store.revoked_jtis IS
    'JWT ids that were revoked before the end of their token; daily partitions, bounds in UTC.';
COMMENT ON COLUMN auth_store.revoked_jtis.jti_hash IS 'The first half of the SHA-256 of the tenant and the jti.';

-- As the partitions have it, see kernel/server/partition/make.rs.
ALTER TABLE auth_store.claimed_jtis REPLICA IDENTITY FULL;
ALTER TABLE auth_store.revoked_jtis REPLICA IDENTITY FULL;
COMMENT ON COLUMN auth_store.revoked_jtis.expires_at IS
    'The end of the token, rounded up to the end of its month where it was more than two days away.';
COMMENT ON COLUMN auth_store.revoked_jtis.revoked_at IS 'When jti_revoke() was called first.';
COMMENT ON COLUMN auth_store.revoked_jtis.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN auth_store.revoked_jtis.reason IS 'Why, as jti_revoke() was told; NULL: it was told nothing.';
