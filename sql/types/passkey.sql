CREATE TYPE auth_store.passkey_options AS (
    options           jsonb,
    expires_at        timestamptz,
    error             text,
    error_description text
);
COMMENT ON TYPE auth_store.passkey_options IS 'What a browser is to be asked for, or an error.';

CREATE TYPE auth_store.passkey_registration AS (
    passkey_id        uuid,
    credential_id     text,
    user_verified     boolean,
    backup_eligible   boolean,
    backed_up         boolean,
    error             text,
    error_description text
);
COMMENT ON TYPE auth_store.passkey_registration IS 'A new passkey, or an error.';

CREATE TYPE auth_store.passkey_login AS (
    ok                boolean,
    user_id           uuid,
    tenant_id         text,
    passkey_id        uuid,
    credential_id     text,
    user_verified     boolean,
    backed_up         boolean,
    amr               text[],
    locked_until      timestamptz,
    error             text,
    error_description text,
    retry_after       integer,
    mfa_required      boolean,
    mfa_enrollment_due_at timestamptz
);
COMMENT ON TYPE auth_store.passkey_login IS 'Whom a passkey has let in, or an error.';

CREATE TYPE auth_store.passkey_entry AS (
    passkey_id         uuid,
    created_at         timestamptz,
    name               text,
    credential_id      text,
    last_used_at       timestamptz,
    user_verified      boolean,
    backup_eligible    boolean,
    backed_up          boolean,
    transports         text[],
    aaguid             uuid,
    attestation_format text,
    algorithm          integer,
    rp_id              text,
    sign_count         bigint,
    clone_suspected_at timestamptz
);
COMMENT ON TYPE auth_store.passkey_entry IS 'A passkey in the list of a user''s.';
