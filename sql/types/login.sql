CREATE TYPE auth_store.login AS (
    ok                   boolean,
    user_id              uuid,
    error                text,
    error_description    text,
    locked_until         timestamptz,
    retry_after          integer,
    mfa_required         boolean,
    email_verified       boolean,
    must_change_password boolean,
    new_device           boolean,
    device_id            uuid,
    device_token         text,
    mfa_enrollment_due_at timestamptz
);
COMMENT ON TYPE auth_store.login IS 'What has become of a log-in.';

CREATE TYPE auth_store.user_device AS (
    device_id     uuid,
    first_seen_at timestamptz,
    last_seen_at  timestamptz,
    trusted_until timestamptz,
    has_token     boolean,
    ip            inet,
    user_agent    text
);
COMMENT ON TYPE auth_store.user_device IS 'A device that a user has logged in with.';
