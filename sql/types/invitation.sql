CREATE TYPE auth_store.invitation AS (
    invitation_id     uuid,
    tenant_id         text,
    tenant_name       text,
    email             text,
    role              text,
    invited_by        uuid,
    created_at        timestamptz,
    expires_at        timestamptz,
    error             text,
    error_description text
);
COMMENT ON TYPE auth_store.invitation IS 'An invitation that waits, or why a token is none.';

CREATE TYPE auth_store.membership AS (
    user_id           uuid,
    tenant_id         text,
    role              text,
    error             text,
    error_description text
);
COMMENT ON TYPE auth_store.membership IS 'What the use of an invitation comes to.';
