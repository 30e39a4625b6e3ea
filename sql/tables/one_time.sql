-- One row for each user, purpose and subject: a newer token takes the row of the older one. An invitation has no user
-- yet, hence NULLS NOT DISTINCT.
CREATE TABLE IF NOT EXISTS auth_store.one_time_tokens (
    id         uuid        NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at    timestamptz,
    user_id    uuid,
    tries      integer     NOT NULL DEFAULT 0,
    tenant_id  text COLLATE "C" NOT NULL,
    purpose    text COLLATE "C" NOT NULL,
    subject    text COLLATE "C" NOT NULL,
    digest     bytea       NOT NULL,
    key_id     text COLLATE "C",
    email      text COLLATE "C",
    details    jsonb       NOT NULL DEFAULT '{}',
    CONSTRAINT one_time_tokens_pkey PRIMARY KEY (id, tenant_id),
    CONSTRAINT one_time_tokens_subject_key UNIQUE NULLS NOT DISTINCT (user_id, tenant_id, purpose, subject),
    CONSTRAINT one_time_tokens_user_fkey FOREIGN KEY (user_id, tenant_id)
        REFERENCES auth_store.users (id, tenant_id) ON DELETE CASCADE,
    CONSTRAINT one_time_tokens_purpose_known CHECK (purpose IN
        ('email_change_new', 'email_change_old', 'email_undo', 'email_verification', 'invitation', 'magic_link',
         'otp', 'password_reset'))
);
COMMENT ON TABLE auth_store.one_time_tokens IS
    'What a mail or a message carries to a user and brings back once: tokens as SHA-256 digests, one-time passwords as '
    'keyed ones.';
COMMENT ON COLUMN auth_store.one_time_tokens.id IS
    'The first 16 bytes of the token''s text; time-ordered, see id_time().';
COMMENT ON COLUMN auth_store.one_time_tokens.created_at IS 'When it was made.';
COMMENT ON COLUMN auth_store.one_time_tokens.expires_at IS
    'Its end: from then on the token is invalid, and cleanup deletes the row.';
COMMENT ON COLUMN auth_store.one_time_tokens.used_at IS
    'When it was used: it happens once, by one conditional UPDATE; NULL: not yet.';
COMMENT ON COLUMN auth_store.one_time_tokens.user_id IS 'Whom it is for; NULL: whoever accepts the invitation.';
COMMENT ON COLUMN auth_store.one_time_tokens.tries IS 'How often a one-time password was tried.';
COMMENT ON COLUMN auth_store.one_time_tokens.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN auth_store.one_time_tokens.purpose IS
    'email_change_new, email_change_old, email_undo, email_verification, invitation, magic_link, otp or '
    'password_reset: it is good for nothing else.';
COMMENT ON COLUMN auth_store.one_time_tokens.subject IS
    'What tells several of one purpose apart: the key of the address; of a one-time password what it is for.';
COMMENT ON COLUMN auth_store.one_time_tokens.digest IS
    'SHA-256 of the token''s whole text; of a one-time password HMAC-SHA-256 of its row and digits.';
COMMENT ON COLUMN auth_store.one_time_tokens.key_id IS
    'The master key of the vault with which the one-time password was digested; NULL: none was configured.';
COMMENT ON COLUMN auth_store.one_time_tokens.email IS 'The address that it was mailed to; NULL: not by mail.';
COMMENT ON COLUMN auth_store.one_time_tokens.details IS 'What else its purpose needs, a JSON object.';
COMMENT ON CONSTRAINT one_time_tokens_pkey ON auth_store.one_time_tokens IS
    'Finds the token by its first 16 bytes; no index holds a digest.';
COMMENT ON CONSTRAINT one_time_tokens_subject_key ON auth_store.one_time_tokens IS
    'A newer token takes the row of the older one with its user, purpose and subject, so only the last mail works. '
    'NULLS NOT DISTINCT: an invitation has no user yet.';
COMMENT ON CONSTRAINT one_time_tokens_user_fkey ON auth_store.one_time_tokens IS 'Tokens go with their user.';
COMMENT ON CONSTRAINT one_time_tokens_purpose_known ON auth_store.one_time_tokens IS
    'A token is good for one purpose; one of another purpose would open nothing.';
