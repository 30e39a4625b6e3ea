-- Short-lived: no foreign key. Consuming a request deletes its row.
CREATE TABLE IF NOT EXISTS auth_store.pushed_requests (
    id         uuid        NOT NULL,
    expires_at timestamptz NOT NULL,
    tenant_id  text COLLATE "C" NOT NULL,
    client_id  text COLLATE "C" NOT NULL,
    digest     bytea       NOT NULL,
    parameters jsonb       NOT NULL,
    CONSTRAINT pushed_requests_pkey PRIMARY KEY (id, tenant_id)
);
COMMENT ON TABLE auth_store.pushed_requests IS 'Pushed authorization requests (RFC 9126); the request_uri''s secret as SHA-256 digest.';
COMMENT ON COLUMN auth_store.pushed_requests.parameters IS 'The parameters of the authorization request, those that authenticate the client left out.';
