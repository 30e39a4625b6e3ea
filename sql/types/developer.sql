CREATE TYPE auth_store.developer_client AS (
    client_id         text,
    client_secret     text,
    error             text,
    error_description text,
    retry_after       integer
);
COMMENT ON TYPE auth_store.developer_client IS 'A client that a user has registered or changed, or an error.';
