-- Short-lived and many: no foreign key, one index. The time order of the ids keeps inserts on the
-- right edge of that index. No CHECK here nor on the other hot tables: PostgreSQL reads each one's
-- expression anew in every statement, and only the store's own functions write.
CREATE TABLE IF NOT EXISTS auth_store.access_tokens (
    id         uuid        NOT NULL,
    grant_id   uuid        NOT NULL,
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    tenant_id  text COLLATE "C" NOT NULL,
    digest     bytea       NOT NULL,
    scope      text,
    resources  text[],
    cnf        jsonb,
    CONSTRAINT access_tokens_pkey PRIMARY KEY (id, tenant_id)
) WITH (fillfactor = 95);
COMMENT ON TABLE auth_store.access_tokens IS
    'Opaque access tokens (RFC 6749 section 1.4) as SHA-256 digests; the grant holds what they share.';
COMMENT ON COLUMN auth_store.access_tokens.id IS 'The first 16 bytes of the token text; time-ordered, see id_time().';
COMMENT ON COLUMN auth_store.access_tokens.digest IS 'SHA-256 of the whole token text.';
COMMENT ON COLUMN auth_store.access_tokens.scope IS
    'The scope where it is narrower than the grant''s; NULL: the grant''s.';
COMMENT ON COLUMN auth_store.access_tokens.resources IS
    'The resources where they are fewer than the grant''s (RFC 8707); NULL: the grant''s.';
COMMENT ON COLUMN auth_store.access_tokens.cnf IS
    'What the token is bound to (RFC 7800) where the client has changed its key since the log-in (RFC 9449 '
    'section 5); NULL: what the grant is bound to.';
COMMENT ON COLUMN auth_store.access_tokens.grant_id IS
    'The log-in, consent or client authentication it was issued for. No foreign key: tokens are many and short-lived.';
COMMENT ON COLUMN auth_store.access_tokens.expires_at IS
    'Its end; from then on it is inactive, and cleanup deletes the row.';
COMMENT ON COLUMN auth_store.access_tokens.revoked_at IS
    'When it was revoked by itself; NULL also where its grant was.';
COMMENT ON COLUMN auth_store.access_tokens.tenant_id IS 'The tenant it belongs to.';
COMMENT ON CONSTRAINT access_tokens_pkey ON auth_store.access_tokens IS
    'Finds the token by its first 16 bytes; no index holds a digest. Time-ordered: new rows are added at the right '
    'edge of the index.';

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
COMMENT ON TABLE auth_store.imported_refresh_tokens IS
    'By which digest a refresh token of another store is found; the state of its family is the grant''s.';
COMMENT ON COLUMN auth_store.imported_refresh_tokens.grant_id IS 'The grant that was made for it.';
COMMENT ON COLUMN auth_store.imported_refresh_tokens.expires_at IS 'Absolute end of that grant.';
COMMENT ON COLUMN auth_store.imported_refresh_tokens.digest IS
    'SHA-256 of the text that its holder presents. The row stays after the first use: a later presentation is a reuse.';
COMMENT ON COLUMN auth_store.imported_refresh_tokens.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN auth_store.imported_refresh_tokens.client_id IS 'The client whose refresh token it was.';
COMMENT ON CONSTRAINT imported_refresh_tokens_pkey ON auth_store.imported_refresh_tokens IS
    'One imported text for a grant; with the tenant in it a publication can filter by tenant.';
COMMENT ON CONSTRAINT imported_refresh_tokens_digest_key ON auth_store.imported_refresh_tokens IS
    'By which the text is found: it carries no id of this store. A text is imported once.';
COMMENT ON CONSTRAINT imported_refresh_tokens_digest_length ON auth_store.imported_refresh_tokens IS
    'A SHA-256: 32 bytes.';

-- Where an imported refresh token or API key is, once users are spread over several databases: in the database of the
-- text's digest. Written by imported_point() alone.
CREATE TABLE IF NOT EXISTS auth_store.imported_pointers (
    id         uuid        NOT NULL,
    expires_at timestamptz,
    tenant_id  text COLLATE "C" NOT NULL,
    kind       text COLLATE "C" NOT NULL,
    digest     bytea       NOT NULL,
    CONSTRAINT imported_pointers_pkey PRIMARY KEY (id, tenant_id),
    CONSTRAINT imported_pointers_digest_key UNIQUE (digest),
    CONSTRAINT imported_pointers_kind_known CHECK (kind IN ('api_key', 'refresh_token')),
    CONSTRAINT imported_pointers_digest_length CHECK (pg_catalog.octet_length(digest) = 32)
);
COMMENT ON TABLE auth_store.imported_pointers IS
    'Where the refresh tokens and API keys of another store are, which have no bucket in their text. Its rows are in '
    'the database of the bucket of their digest. Empty unless the store is one of several.';
COMMENT ON COLUMN auth_store.imported_pointers.id IS
    'The grant or the API key that the import made; its bucket says in which database.';
COMMENT ON COLUMN auth_store.imported_pointers.expires_at IS
    'When the pointer is good for nothing any more, and cleanup deletes it; NULL: never.';
COMMENT ON COLUMN auth_store.imported_pointers.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN auth_store.imported_pointers.kind IS 'What it leads to: api_key or refresh_token.';
COMMENT ON COLUMN auth_store.imported_pointers.digest IS
    'SHA-256 of the text that its holder presents. Its first 12 bits are the bucket of the row.';
COMMENT ON CONSTRAINT imported_pointers_pkey ON auth_store.imported_pointers IS
    'One text for what was imported, in the order of the imports, as cleanup walks.';
COMMENT ON CONSTRAINT imported_pointers_digest_key ON auth_store.imported_pointers IS
    'By which the text is found. A text leads to one thing.';
COMMENT ON CONSTRAINT imported_pointers_kind_known ON auth_store.imported_pointers IS
    'A grant or an API key: what of another store has no bucket.';
COMMENT ON CONSTRAINT imported_pointers_digest_length ON auth_store.imported_pointers IS 'A SHA-256: 32 bytes.';
