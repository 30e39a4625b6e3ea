-- Passkeys (Web Authentication level 3). A log-in changes no column of an index: HOT updates, for which the fillfactor
-- leaves room. One credential is registered once with a relying party, also where tenants share that party.
CREATE TABLE IF NOT EXISTS auth_store.passkeys (
    id                 uuid        NOT NULL,
    user_id            uuid        NOT NULL,
    sign_count         bigint      NOT NULL,
    last_used_at       timestamptz,
    clone_suspected_at timestamptz,
    algorithm          integer     NOT NULL,
    user_verified      boolean     NOT NULL,
    backup_eligible    boolean     NOT NULL,
    backed_up          boolean     NOT NULL,
    aaguid             uuid        NOT NULL,
    tenant_id          text COLLATE "C" NOT NULL,
    rp_id              text COLLATE "C" NOT NULL,
    credential_id      bytea       NOT NULL,
    public_key         bytea       NOT NULL,
    attestation_format text        NOT NULL,
    transports         text[]      NOT NULL,
    name               text,
    CONSTRAINT passkeys_pkey PRIMARY KEY (id, tenant_id),
    CONSTRAINT passkeys_credential_key UNIQUE (rp_id, credential_id),
    CONSTRAINT passkeys_user_fkey FOREIGN KEY (user_id, tenant_id)
        REFERENCES auth_store.users (id, tenant_id) ON DELETE CASCADE,
    CONSTRAINT passkeys_sign_count_unsigned CHECK (sign_count BETWEEN 0 AND 4294967295),
    CONSTRAINT passkeys_backup_possible CHECK (backup_eligible OR NOT backed_up),
    CONSTRAINT passkeys_credential_id_length CHECK (length(credential_id) BETWEEN 1 AND 1023)
) WITH (fillfactor = 80);
CREATE INDEX IF NOT EXISTS passkeys_user_idx ON auth_store.passkeys (user_id, tenant_id);
COMMENT ON TABLE auth_store.passkeys IS
    'Passkeys of users (Web Authentication level 3 section 4, credential record). Nothing in it is secret.';
COMMENT ON COLUMN auth_store.passkeys.id IS
    'Names the row. Time-ordered: its first 48 bits are the milliseconds at which it was made, see id_time().';
COMMENT ON COLUMN auth_store.passkeys.user_id IS
    'Whose passkey it is; its 16 bytes are the user handle that the authenticator keeps.';
COMMENT ON COLUMN auth_store.passkeys.sign_count IS
    'The authenticator''s counter at the last log-in; 0: it has none, as where passkeys are synchronised.';
COMMENT ON COLUMN auth_store.passkeys.last_used_at IS 'The last log-in or step-up with it; NULL: none yet.';
COMMENT ON COLUMN auth_store.passkeys.clone_suspected_at IS
    'When a counter last came that was not higher than the stored one; NULL: never.';
COMMENT ON COLUMN auth_store.passkeys.algorithm IS
    'Of its signatures, as the IANA COSE registry numbers them: -8 EdDSA, -7 ES256, -257 RS256.';
COMMENT ON COLUMN auth_store.passkeys.user_verified IS
    'Whether the authenticator verified its user at the registration, by PIN or biometrics.';
COMMENT ON COLUMN auth_store.passkeys.backup_eligible IS
    'Whether it may be copied to other devices (flag BE); this never changes.';
COMMENT ON COLUMN auth_store.passkeys.backed_up IS 'Whether it had a copy at its last use (flag BS).';
COMMENT ON COLUMN auth_store.passkeys.aaguid IS
    'The model of the authenticator, as it says; zeros: it does not. Nobody has vouched for it.';
COMMENT ON COLUMN auth_store.passkeys.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN auth_store.passkeys.rp_id IS 'The relying party that it was made for, a domain.';
COMMENT ON COLUMN auth_store.passkeys.credential_id IS 'The id that authenticator and browser know it by.';
COMMENT ON COLUMN auth_store.passkeys.public_key IS
    'The public key as the authenticator gave it, a COSE_Key (RFC 9052).';
COMMENT ON COLUMN auth_store.passkeys.attestation_format IS
    'The format of the attestation statement, which was passed over.';
COMMENT ON COLUMN auth_store.passkeys.transports IS
    'How the browser may reach the authenticator: internal, hybrid, usb, nfc, ble …; empty: not said.';
COMMENT ON COLUMN auth_store.passkeys.name IS 'What the user calls it; NULL: nothing yet.';
COMMENT ON CONSTRAINT passkeys_pkey ON auth_store.passkeys IS
    'Names the passkey in lists and calls; the browser names it by its credential id.';
COMMENT ON CONSTRAINT passkeys_credential_key ON auth_store.passkeys IS
    'A credential is registered once with a relying party (WebAuthn section 7.1), also where tenants share that '
    'party; a log-in finds it by this key.';
COMMENT ON CONSTRAINT passkeys_user_fkey ON auth_store.passkeys IS 'Passkeys go with their user.';
COMMENT ON CONSTRAINT passkeys_sign_count_unsigned ON auth_store.passkeys IS
    'The counter of the authenticator is an unsigned number of 32 bits (WebAuthn section 6.1.1).';
COMMENT ON CONSTRAINT passkeys_backup_possible ON auth_store.passkeys IS
    'Only what may be backed up can have been (WebAuthn section 6.1.3).';
COMMENT ON CONSTRAINT passkeys_credential_id_length ON auth_store.passkeys IS
    '1 to 1,023 bytes (WebAuthn section 5.1).';
COMMENT ON INDEX auth_store.passkeys_user_idx IS
    'The passkeys of a user, which the browser is told of; covers passkeys_user_fkey.';

-- Short-lived: no foreign key, as for authorization codes. The row of a challenge goes when it is spent.
CREATE TABLE IF NOT EXISTS auth_store.passkey_challenges (
    id         uuid        NOT NULL,
    expires_at timestamptz NOT NULL,
    user_id    uuid,
    tenant_id  text COLLATE "C" NOT NULL,
    ceremony   text COLLATE "C" NOT NULL,
    digest     bytea       NOT NULL,
    CONSTRAINT passkey_challenges_pkey PRIMARY KEY (id, tenant_id)
);
COMMENT ON TABLE auth_store.passkey_challenges IS
    'Challenges that no passkey has answered yet: each is deleted by the answer to it, right or wrong.';
COMMENT ON COLUMN auth_store.passkey_challenges.id IS
    'The first 16 bytes of the challenge; time-ordered, see id_time().';
COMMENT ON COLUMN auth_store.passkey_challenges.expires_at IS 'Its end, 5 minutes after it was made.';
COMMENT ON COLUMN auth_store.passkey_challenges.user_id IS
    'Who is to answer; NULL: anybody who has a passkey of the tenant.';
COMMENT ON COLUMN auth_store.passkey_challenges.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN auth_store.passkey_challenges.ceremony IS 'What it is good for: registration, login or step_up.';
COMMENT ON COLUMN auth_store.passkey_challenges.digest IS 'SHA-256 of the 32 bytes of the challenge.';
COMMENT ON CONSTRAINT passkey_challenges_pkey ON auth_store.passkey_challenges IS
    'Finds the challenge that an answer is for. Time-ordered: cleanup finds what has ended at the left edge.';
