CREATE TYPE auth_store.identity_profile AS (
    user_id        uuid,
    provider       text,
    subject        text,
    email          text,
    email_verified boolean,
    profile        jsonb,
    linked_at      timestamptz,
    last_used_at   timestamptz
);
COMMENT ON TYPE auth_store.identity_profile IS 'An external identity of a user.';

CREATE TYPE auth_store.external_login AS (
    user_id           uuid,
    created           boolean,
    linked            boolean,
    error             text,
    error_description text,
    retry_after       integer,
    locked_until      timestamptz,
    mfa_required      boolean,
    mfa_enrollment_due_at timestamptz
);
COMMENT ON TYPE auth_store.external_login IS 'The user of an external identity, or an error.';
