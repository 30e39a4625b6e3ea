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
COMMENT ON COLUMN auth_store.pushed_requests.id IS 'The first 16 bytes of the reference in the request_uri; time-ordered, see id_time().';
COMMENT ON COLUMN auth_store.pushed_requests.expires_at IS 'Its end; from then on it is invalid_request_uri.';
COMMENT ON COLUMN auth_store.pushed_requests.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN auth_store.pushed_requests.client_id IS 'Who pushed it, and alone may refer to it.';
COMMENT ON COLUMN auth_store.pushed_requests.digest IS 'SHA-256 of the reference.';
