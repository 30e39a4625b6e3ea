CREATE TABLE IF NOT EXISTS auth_store.tenant_policies (
    updated_at                 timestamptz NOT NULL,
    mfa_required_at            timestamptz,
    password_min_length        integer,
    password_min_score         integer,
    password_history           integer,
    password_max_age           integer,
    lockout_threshold          integer,
    lockout_user_threshold     integer,
    lockout_duration           integer,
    lockout_max                integer,
    mfa_grace                  integer,
    trusted_device_ttl         integer,
    anonymous_ttl              integer,
    mail_max_per_hour          integer,
    mail_max_per_day           integer,
    mail_interval              integer,
    otp_ttl                    integer,
    otp_max_attempts           integer,
    one_time_ttl               integer,
    invitation_ttl             integer,
    password_check_common      boolean,
    password_check_breached    boolean,
    password_check_similarity  boolean,
    show_locked                boolean,
    passkey_allow_cross_origin boolean,
    identity_link_by_email     boolean,
    tenant_id                  text COLLATE "C" NOT NULL,
    mfa                        text,
    passkey_user_verification  text,
    passkey_rp_id              text,
    passkey_rp_name            text,
    passkey_origins            text[],
    CONSTRAINT tenant_policies_pkey PRIMARY KEY (tenant_id),
    CONSTRAINT tenant_policies_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES auth_store.tenants (id),
    CONSTRAINT tenant_policies_length_range CHECK (password_min_length BETWEEN 8 AND 128),
    CONSTRAINT tenant_policies_score_range CHECK (password_min_score BETWEEN 0 AND 4),
    CONSTRAINT tenant_policies_history_range CHECK (password_history BETWEEN 0 AND 24),
    CONSTRAINT tenant_policies_lockout_range CHECK (lockout_threshold BETWEEN 1 AND 100),
    CONSTRAINT tenant_policies_user_lockout_range CHECK (lockout_user_threshold BETWEEN 1 AND 100),
    CONSTRAINT tenant_policies_mfa_known CHECK (mfa IN ('off', 'optional', 'required')),
    CONSTRAINT tenant_policies_verification_known
        CHECK (passkey_user_verification IN ('required', 'preferred', 'discouraged'))
);
COMMENT ON TABLE auth_store.tenant_policies IS
    'The rules that tenants have for log-ins, see tenant_policy_set(); NULL: the setting''s value holds.';
COMMENT ON COLUMN auth_store.tenant_policies.updated_at IS 'When they were last changed.';
COMMENT ON COLUMN auth_store.tenant_policies.mfa_required_at IS 'Since when mfa is required; NULL: it is not.';
COMMENT ON COLUMN auth_store.tenant_policies.password_min_length IS 'Characters that a new password has at least.';
COMMENT ON COLUMN auth_store.tenant_policies.password_min_score IS
    'Score of zxcvbn that a new password has at least, 0 to 4; 0: it is not asked for.';
COMMENT ON COLUMN auth_store.tenant_policies.password_history IS
    'How many former passwords of a user a new one may not be.';
COMMENT ON COLUMN auth_store.tenant_policies.password_max_age IS
    'Seconds after which a password has to be changed at the next log-in; 0: never.';
COMMENT ON COLUMN auth_store.tenant_policies.lockout_threshold IS
    'How many wrong passwords of a user lock out the network that they come from.';
COMMENT ON COLUMN auth_store.tenant_policies.lockout_user_threshold IS
    'How many wrong passwords of a user, from whatever networks, lock out all but known devices.';
COMMENT ON COLUMN auth_store.tenant_policies.lockout_duration IS
    'Seconds that the first lock-out lasts; each that follows lasts twice as long.';
COMMENT ON COLUMN auth_store.tenant_policies.lockout_max IS 'Seconds that a lock-out lasts at most.';
COMMENT ON COLUMN auth_store.tenant_policies.mfa_grace IS
    'Seconds that users without a second factor may still log in where one is required.';
COMMENT ON COLUMN auth_store.tenant_policies.trusted_device_ttl IS
    'Seconds that a second factor is not asked for again on a device that the user trusts; 0: it always is.';
COMMENT ON COLUMN auth_store.tenant_policies.anonymous_ttl IS
    'Seconds after which an anonymous user who was not seen is deleted; 0: never.';
COMMENT ON COLUMN auth_store.tenant_policies.mail_max_per_hour IS
    'How many mails and messages an hour are made for one recipient.';
COMMENT ON COLUMN auth_store.tenant_policies.mail_max_per_day IS
    'How many mails and messages a day are made for one recipient.';
COMMENT ON COLUMN auth_store.tenant_policies.mail_interval IS
    'Seconds between two mails of one kind to one recipient.';
COMMENT ON COLUMN auth_store.tenant_policies.otp_ttl IS 'Seconds that a one-time code of digits can be used.';
COMMENT ON COLUMN auth_store.tenant_policies.otp_max_attempts IS 'How many tries a one-time code of digits has.';
COMMENT ON COLUMN auth_store.tenant_policies.one_time_ttl IS 'Seconds that a one-time token in a mail can be used.';
COMMENT ON COLUMN auth_store.tenant_policies.invitation_ttl IS 'Seconds that an invitation can be accepted.';
COMMENT ON COLUMN auth_store.tenant_policies.password_check_common IS
    'Whether passwords that common_passwords has are refused.';
COMMENT ON COLUMN auth_store.tenant_policies.password_check_breached IS
    'Whether passwords that breached_passwords has are refused.';
COMMENT ON COLUMN auth_store.tenant_policies.password_check_similarity IS
    'Whether passwords like the user''s own names are refused.';
COMMENT ON COLUMN auth_store.tenant_policies.show_locked IS
    'Whether a lock-out is told to whoever tries to log in; false: to those with the right password.';
COMMENT ON COLUMN auth_store.tenant_policies.passkey_allow_cross_origin IS
    'Whether passkeys work on a page inside another site''s page.';
COMMENT ON COLUMN auth_store.tenant_policies.identity_link_by_email IS
    'Whether an identity of a provider is linked to the user who has its verified address.';
COMMENT ON COLUMN auth_store.tenant_policies.tenant_id IS 'The tenant whose rules they are.';
COMMENT ON COLUMN auth_store.tenant_policies.mfa IS
    'off: no second factor is asked for; optional: of those who have one; required: of everybody.';
COMMENT ON COLUMN auth_store.tenant_policies.passkey_user_verification IS
    'Whether a passkey has to verify its user: required, preferred or discouraged (WebAuthn section 5.8.6).';
COMMENT ON COLUMN auth_store.tenant_policies.passkey_rp_id IS
    'The domain that passkeys are for (WebAuthn section 5.4.2).';
COMMENT ON COLUMN auth_store.tenant_policies.passkey_rp_name IS 'What users read beside their passkeys.';
COMMENT ON COLUMN auth_store.tenant_policies.passkey_origins IS 'The origins of pages on which passkeys work.';
COMMENT ON CONSTRAINT tenant_policies_pkey ON auth_store.tenant_policies IS
    'One row of rules for each tenant; a tenant without a row lives by the settings.';
COMMENT ON CONSTRAINT tenant_policies_tenant_fkey ON auth_store.tenant_policies IS
    'Rules go before their tenant does; tenant_erase() deletes them.';
COMMENT ON CONSTRAINT tenant_policies_length_range ON auth_store.tenant_policies IS
    '8 to 128 characters: NIST SP 800-63B asks for 8, and more than 128 nobody could be asked to type.';
COMMENT ON CONSTRAINT tenant_policies_score_range ON auth_store.tenant_policies IS
    'The scores of zxcvbn go from 0, guessed at once, to 4.';
COMMENT ON CONSTRAINT tenant_policies_history_range ON auth_store.tenant_policies IS
    'At most 24 former passwords: a new one is hashed once against each of them.';
COMMENT ON CONSTRAINT tenant_policies_lockout_range ON auth_store.tenant_policies IS
    '1 to 100 wrong passwords; with more, a lock-out would protect no password that can be guessed.';
COMMENT ON CONSTRAINT tenant_policies_user_lockout_range ON auth_store.tenant_policies IS
    '1 to 100 wrong passwords from all networks together, as for lockout_threshold.';
COMMENT ON CONSTRAINT tenant_policies_mfa_known ON auth_store.tenant_policies IS
    'off, optional or required: a log-in decides by nothing else.';
COMMENT ON CONSTRAINT tenant_policies_verification_known ON auth_store.tenant_policies IS
    'The three words of WebAuthn section 5.8.6, which are handed to the browser as they are.';

-- What follows belongs to no tenant. The operator loads both, see docs/how-to/password_policy.md.
CREATE TABLE IF NOT EXISTS auth_store.common_passwords (
    password text COLLATE "C" NOT NULL,
    CONSTRAINT common_passwords_pkey PRIMARY KEY (password)
);
COMMENT ON TABLE auth_store.common_passwords IS
    'Passwords that nobody may have, one a row: a list of words as it comes, loaded by COPY.';
COMMENT ON COLUMN auth_store.common_passwords.password IS
    'The word. A password is refused that is the word, or is it in lower case.';
COMMENT ON CONSTRAINT common_passwords_pkey ON auth_store.common_passwords IS
    'By which a new password is looked up; a word that a list has twice is loaded once.';

CREATE TABLE IF NOT EXISTS auth_store.breached_passwords (
    prefix   text COLLATE "C" NOT NULL,
    suffixes bytea NOT NULL,
    CONSTRAINT breached_passwords_pkey PRIMARY KEY (prefix),
    CONSTRAINT breached_passwords_prefix_shape CHECK (prefix ~ '^[0-9A-F]{6}$'),
    CONSTRAINT breached_passwords_suffixes_whole CHECK (pg_catalog.octet_length(suffixes) % 5 = 0)
);
COMMENT ON TABLE auth_store.breached_passwords IS
    'Passwords that are known from breaches: a row has the SHA-1 of all whose first 24 bits are alike.';
COMMENT ON COLUMN auth_store.breached_passwords.prefix IS
    'The first 6 digits of the hashes, hexadecimal in upper case.';
COMMENT ON COLUMN auth_store.breached_passwords.suffixes IS
    'The next 5 bytes of each hash, one behind the other in any order.';
COMMENT ON CONSTRAINT breached_passwords_pkey ON auth_store.breached_passwords IS
    'A look-up reads one row: all hashes that share the first 24 bits with the password''s.';
COMMENT ON CONSTRAINT breached_passwords_prefix_shape ON auth_store.breached_passwords IS
    '24 bits in upper-case hexadecimal; a row loaded in another spelling would never be found.';
COMMENT ON CONSTRAINT breached_passwords_suffixes_whole ON auth_store.breached_passwords IS
    'Suffixes of 5 bytes lie one behind the other; a remainder says that a load was cut off.';
