CREATE TYPE auth_store.password_verdict AS (
    ok                boolean,
    must_change       boolean,
    error             text,
    error_description text,
    retry_after       integer
);
COMMENT ON TYPE auth_store.password_verdict IS 'Whether a password is the user''s, or an error.';

CREATE TYPE auth_store.password_advice AS (
    ok                boolean,
    score             integer,
    reasons           text[],
    warning           text,
    suggestions       text[],
    error             text,
    error_description text
);
COMMENT ON TYPE auth_store.password_advice IS 'Whether a password would be accepted, and what would make it better.';
