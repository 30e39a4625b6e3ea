CREATE TYPE auth_store.password_verdict AS (
    ok                boolean,
    must_change       boolean,
    error             text,
    error_description text,
    retry_after       integer
);
COMMENT ON TYPE auth_store.password_verdict IS 'Whether a password is the user''s, or an error.';
