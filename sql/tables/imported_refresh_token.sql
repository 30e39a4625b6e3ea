-- A refresh token of another store names no row here: it is found by its digest. Native ones never look here.
-- No foreign key: one to the grants would put a trigger on the table that every refresh updates.
CREATE TABLE IF NOT EXISTS auth_store.imported_refresh_tokens (
    grant_id   uuid        NOT NULL,
    expires_at timestamptz NOT NULL,
    tenant_id  text COLLATE "C" NOT NULL,
    client_id  text COLLATE "C" NOT NULL,
    digest     bytea       NOT NULL,
    CONSTRAINT imported_refresh_tokens_pkey PRIMARY KEY (grant_id, tenant_id),
    CONSTRAINT imported_refresh_tokens_digest_key UNIQUE (digest),
    CONSTRAINT imported_refresh_tokens_digest_length CHECK (pg_catalog.octet_length(digest) = 32)
);
COMMENT ON TABLE auth_store.imported_refresh_tokens IS 'By which digest a refresh token of another store is found; the state of its family is the grant''s.';
COMMENT ON COLUMN auth_store.imported_refresh_tokens.grant_id IS 'The grant that was made for it.';
COMMENT ON COLUMN auth_store.imported_refresh_tokens.expires_at IS 'Absolute end of that grant.';
COMMENT ON COLUMN auth_store.imported_refresh_tokens.digest IS 'SHA-256 of the text that its holder presents. The row stays after the first use: a later presentation is a reuse.';
COMMENT ON COLUMN auth_store.imported_refresh_tokens.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN auth_store.imported_refresh_tokens.client_id IS 'The client whose refresh token it was.';
