-- Short-lived: no foreign key, as for authorization codes. Deciding a request deletes its row.
CREATE TABLE IF NOT EXISTS auth_store.interactions (
    id         uuid        NOT NULL,
    expires_at timestamptz NOT NULL,
    session_id uuid,
    user_id    uuid,
    tenant_id  text COLLATE "C" NOT NULL,
    client_id  text COLLATE "C" NOT NULL,
    digest     bytea,
    parameters jsonb       NOT NULL,
    CONSTRAINT interactions_pkey PRIMARY KEY (id, tenant_id)
);
COMMENT ON TABLE auth_store.interactions IS
    'Authorization requests (RFC 6749 section 4.1.1) that wait for their user to log in or to agree.';
COMMENT ON COLUMN auth_store.interactions.id IS
    'Time-ordered, see id_time(); of a pushed request, the first 16 bytes of the reference.';
COMMENT ON COLUMN auth_store.interactions.expires_at IS
    'Its end, ten minutes after the authorization endpoint was asked.';
COMMENT ON COLUMN auth_store.interactions.session_id IS
    'The session in which the user was to be asked; NULL: there was none that would do.';
COMMENT ON COLUMN auth_store.interactions.user_id IS 'The user of that session; NULL without one.';
COMMENT ON COLUMN auth_store.interactions.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN auth_store.interactions.client_id IS 'Whose request it is.';
COMMENT ON COLUMN auth_store.interactions.digest IS
    'SHA-256 of the reference to a pushed request (RFC 9126); NULL: it was not pushed.';
COMMENT ON COLUMN auth_store.interactions.parameters IS 'The parameters of the authorization request.';
COMMENT ON CONSTRAINT interactions_pkey ON auth_store.interactions IS
    'Finds the request that waits for its user. Time-ordered: cleanup finds what has ended at the left edge.';
