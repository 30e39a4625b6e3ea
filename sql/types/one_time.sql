CREATE TYPE auth_store.one_time_start AS (
    token             text,
    user_id           uuid,
    mail_to           text,
    expires_at        timestamptz,
    error             text,
    error_description text,
    retry_after       integer
);
COMMENT ON TYPE auth_store.one_time_start IS 'A one-time token that is to be mailed, or an error.';

CREATE TYPE auth_store.one_time_use AS (
    user_id           uuid,
    tenant_id         text,
    email             text,
    amr               text[],
    error             text,
    error_description text,
    retry_after       integer,
    mfa_required      boolean,
    mfa_enrollment_due_at timestamptz
);
COMMENT ON TYPE auth_store.one_time_use IS 'What the use of a one-time token or password comes to.';

CREATE TYPE auth_store.one_time_view AS (
    purpose           text,
    user_id           uuid,
    tenant_id         text,
    email             text,
    details           jsonb,
    expires_at        timestamptz,
    error             text,
    error_description text
);
COMMENT ON TYPE auth_store.one_time_view IS 'A one-time token as it is, for the page that a link opens.';

CREATE TYPE auth_store.one_time_password AS (
    code              text,
    expires_at        timestamptz,
    error             text,
    error_description text,
    retry_after       integer
);
COMMENT ON TYPE auth_store.one_time_password IS 'A one-time password that is to be sent, or an error.';
