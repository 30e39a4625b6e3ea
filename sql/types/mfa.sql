CREATE TYPE auth_store.totp_enrollment AS (
    factor_id         uuid,
    secret            text,
    otpauth_uri       text,
    error             text,
    error_description text
);
COMMENT ON TYPE auth_store.totp_enrollment IS 'What an authenticator app is to be given, this once, or an error.';

CREATE TYPE auth_store.totp_verdict AS (
    ok                boolean,
    factor_id         uuid,
    error             text,
    error_description text,
    retry_after       integer,
    trusted_until     timestamptz
);
COMMENT ON TYPE auth_store.totp_verdict IS 'Whether a code of an authenticator app is good.';

CREATE TYPE auth_store.recovery_verdict AS (
    ok                boolean,
    codes_left        integer,
    error             text,
    error_description text
);
COMMENT ON TYPE auth_store.recovery_verdict IS 'Whether a recovery code is good, and how many are left.';

CREATE TYPE auth_store.factor_entry AS (
    factor_id    uuid,
    kind         text,
    label        text,
    created_at   timestamptz,
    confirmed_at timestamptz,
    last_used_at timestamptz
);
COMMENT ON TYPE auth_store.factor_entry IS 'A second factor in the list of a user''s.';

CREATE TYPE auth_store.mfa_state AS (
    required          boolean,
    enrolled          boolean,
    enrollment_due_at timestamptz,
    kinds             text[],
    codes_left        integer
);
COMMENT ON TYPE auth_store.mfa_state IS 'Whether a user has a second factor, and needs one.';
