CREATE TYPE auth_store.outcome AS (
    error             text,
    error_description text,
    retry_after       integer
);
COMMENT ON TYPE auth_store.outcome IS 'Success, all NULL, or an error.';
