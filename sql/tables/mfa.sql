-- Authenticator apps of users. Passkeys are in a table of their own.
CREATE TABLE IF NOT EXISTS auth_store.mfa_factors (
    id           uuid        NOT NULL,
    user_id      uuid        NOT NULL,
    key_id       uuid        NOT NULL,
    created_at   timestamptz NOT NULL,
    expires_at   timestamptz,
    confirmed_at timestamptz,
    used_at      timestamptz,
    last_step    bigint      NOT NULL,
    digits       integer     NOT NULL,
    period       integer     NOT NULL,
    tenant_id    text COLLATE "C" NOT NULL,
    algorithm    text COLLATE "C" NOT NULL,
    label        text        NOT NULL,
    secret       bytea       NOT NULL,
    CONSTRAINT mfa_factors_pkey PRIMARY KEY (id, tenant_id),
    CONSTRAINT mfa_factors_user_fkey FOREIGN KEY (user_id, tenant_id)
        REFERENCES auth_store.users (id, tenant_id) ON DELETE CASCADE,
    CONSTRAINT mfa_factors_vault_key_fkey FOREIGN KEY (key_id, tenant_id)
        REFERENCES auth_store.vault_keys (id, tenant_id)
) WITH (fillfactor = 85);
CREATE INDEX IF NOT EXISTS mfa_factors_user_idx ON auth_store.mfa_factors (user_id, tenant_id);
CREATE INDEX IF NOT EXISTS mfa_factors_vault_key_idx ON auth_store.mfa_factors (key_id, tenant_id, id);
COMMENT ON TABLE auth_store.mfa_factors IS
    'Authenticator apps of users (TOTP, RFC 6238), second factors once they are confirmed.';
COMMENT ON COLUMN auth_store.mfa_factors.id IS
    'Names the row. Time-ordered: its first 48 bits are the milliseconds at which it was made, see id_time().';
COMMENT ON COLUMN auth_store.mfa_factors.user_id IS 'Whose factor it is.';
COMMENT ON COLUMN auth_store.mfa_factors.key_id IS 'The data key of the vault that opens the secret.';
COMMENT ON COLUMN auth_store.mfa_factors.created_at IS 'When it was enrolled.';
COMMENT ON COLUMN auth_store.mfa_factors.expires_at IS
    'Until when it can be confirmed; NULL: it was.';
COMMENT ON COLUMN auth_store.mfa_factors.confirmed_at IS
    'When a first code showed that the user has it; NULL: not yet, and it is no factor until then.';
COMMENT ON COLUMN auth_store.mfa_factors.used_at IS 'When it was last good for a log-in; NULL: never.';
COMMENT ON COLUMN auth_store.mfa_factors.last_step IS
    'The time step of the last code that was accepted, -1 before the first: no code of it or of an earlier one is '
    'accepted again (RFC 6238 section 5.2).';
COMMENT ON COLUMN auth_store.mfa_factors.digits IS 'The length of a code.';
COMMENT ON COLUMN auth_store.mfa_factors.period IS 'Seconds of a time step.';
COMMENT ON COLUMN auth_store.mfa_factors.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN auth_store.mfa_factors.label IS 'What the user calls it, at first the account''s name.';
COMMENT ON COLUMN auth_store.mfa_factors.algorithm IS 'SHA1, SHA256 or SHA512.';
COMMENT ON COLUMN auth_store.mfa_factors.secret IS
    'The shared secret as nonce(12) ‖ ciphertext ‖ tag(16); AES-256-GCM under a key derived from the data key for '
    'tenant, row and column.';
COMMENT ON CONSTRAINT mfa_factors_pkey ON auth_store.mfa_factors IS 'Finds the factor that a call names.';
COMMENT ON CONSTRAINT mfa_factors_user_fkey ON auth_store.mfa_factors IS 'Factors go with their user.';
COMMENT ON CONSTRAINT mfa_factors_vault_key_fkey ON auth_store.mfa_factors IS
    'A data key stays as long as it opens a factor''s secret: without the secret the user could not log in.';
COMMENT ON INDEX auth_store.mfa_factors_user_idx IS
    'The factors of a user, all of which a code is compared with; covers mfa_factors_user_fkey.';
COMMENT ON INDEX auth_store.mfa_factors_vault_key_idx IS
    'What a data key has sealed, in the order in which vault_rekey() walks it; covers mfa_factors_vault_key_fkey.';

-- What lets a user in who has lost the factors: ten codes, each good once.
CREATE TABLE IF NOT EXISTS auth_store.recovery_codes (
    id         uuid        NOT NULL,
    user_id    uuid        NOT NULL,
    created_at timestamptz NOT NULL,
    used_at    timestamptz,
    tenant_id  text COLLATE "C" NOT NULL,
    digest     bytea       NOT NULL,
    CONSTRAINT recovery_codes_pkey PRIMARY KEY (id, tenant_id),
    CONSTRAINT recovery_codes_user_fkey FOREIGN KEY (user_id, tenant_id)
        REFERENCES auth_store.users (id, tenant_id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS recovery_codes_user_idx ON auth_store.recovery_codes (user_id, tenant_id);
COMMENT ON TABLE auth_store.recovery_codes IS
    'Recovery codes of users, for the loss of their second factors; a new set takes the place of the former.';
COMMENT ON COLUMN auth_store.recovery_codes.id IS
    'Names the row. Time-ordered: its first 48 bits are the milliseconds at which it was made, see id_time().';
COMMENT ON COLUMN auth_store.recovery_codes.user_id IS 'Whose code it is.';
COMMENT ON COLUMN auth_store.recovery_codes.created_at IS 'When it was made.';
COMMENT ON COLUMN auth_store.recovery_codes.used_at IS 'When it was used; NULL: it is still good.';
COMMENT ON COLUMN auth_store.recovery_codes.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN auth_store.recovery_codes.digest IS 'SHA-256 of the row''s id and the code of 80 random bits.';
COMMENT ON CONSTRAINT recovery_codes_pkey ON auth_store.recovery_codes IS
    'Names the row; a code itself is compared with the digests of its user''s ten rows.';
COMMENT ON CONSTRAINT recovery_codes_user_fkey ON auth_store.recovery_codes IS 'Recovery codes go with their user.';
COMMENT ON INDEX auth_store.recovery_codes_user_idx IS
    'The recovery codes of a user, ten at most; covers recovery_codes_user_fkey.';
