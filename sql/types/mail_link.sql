CREATE TYPE auth_store.email_change AS (
    old_token         text,
    old_mail_to       text,
    new_token         text,
    new_mail_to       text,
    expires_at        timestamptz,
    error             text,
    error_description text,
    retry_after       integer
);
COMMENT ON TYPE auth_store.email_change IS 'The two tokens of a change of address, each for its own mail, or an error.';

CREATE TYPE auth_store.email_change_state AS (
    user_id           uuid,
    tenant_id         text,
    changed           boolean,
    email             text,
    undo_token        text,
    undo_mail_to      text,
    undo_expires_at   timestamptz,
    error             text,
    error_description text
);
COMMENT ON TYPE auth_store.email_change_state IS 'How far a change of address is, or an error.';

CREATE TYPE auth_store.email_undo AS (
    user_id           uuid,
    tenant_id         text,
    email             text,
    reset_token       text,
    reset_expires_at  timestamptz,
    error             text,
    error_description text
);
COMMENT ON TYPE auth_store.email_undo IS 'A change of address that was taken back, or an error.';
