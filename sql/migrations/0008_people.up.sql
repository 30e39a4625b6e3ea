-- Who acts as another user.
ALTER TABLE auth_store.sessions ADD COLUMN actor_id uuid;
CREATE INDEX sessions_actor_idx ON auth_store.sessions (actor_id) WHERE actor_id IS NOT NULL;
ALTER TABLE auth_store.audit_log ADD COLUMN actor_id uuid;

-- Roles and who has them.
CREATE TABLE auth_store.roles (
    tenant_id   text COLLATE "C" NOT NULL,
    name        text COLLATE "C" NOT NULL,
    description text,
    permissions text[]      NOT NULL,
    inherits    text[]      NOT NULL,
    effective   text[]      NOT NULL,
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    CONSTRAINT roles_pkey PRIMARY KEY (tenant_id, name),
    CONSTRAINT roles_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES auth_store.tenants (id),
    CONSTRAINT roles_name_shape CHECK (name ~ '^[a-z0-9._-]{1,63}$')
);

-- The tenant of a role need not be the user's own: a user may belong to several.
CREATE TABLE auth_store.user_roles (
    id          uuid        NOT NULL,
    user_id     uuid        NOT NULL,
    assigned_at timestamptz NOT NULL,
    expires_at  timestamptz,
    assigned_by uuid,
    tenant_id   text COLLATE "C" NOT NULL,
    role        text COLLATE "C" NOT NULL,
    CONSTRAINT user_roles_pkey PRIMARY KEY (id, tenant_id),
    CONSTRAINT user_roles_key UNIQUE (user_id, tenant_id, role),
    CONSTRAINT user_roles_user_fkey FOREIGN KEY (user_id) REFERENCES auth_store.users (id) ON DELETE CASCADE,
    CONSTRAINT user_roles_role_fkey FOREIGN KEY (tenant_id, role) REFERENCES auth_store.roles (tenant_id, name)
);
CREATE INDEX user_roles_role_idx ON auth_store.user_roles (tenant_id, role);
CREATE INDEX user_roles_member_idx ON auth_store.user_roles (tenant_id, user_id);
CREATE INDEX user_roles_expires_idx ON auth_store.user_roles (expires_at) WHERE expires_at IS NOT NULL;
-- The rules that tenants have for log-ins.
CREATE TABLE auth_store.tenant_policies (
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

-- Passkeys (Web Authentication level 3). A log-in changes no column of an index: HOT updates, for which the fillfactor
-- leaves room. One credential is registered once with a relying party, also where tenants share that party.
CREATE TABLE auth_store.passkeys (
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
CREATE INDEX passkeys_user_idx ON auth_store.passkeys (user_id, tenant_id);

-- Short-lived: no foreign key, as for authorization codes. The row of a challenge goes when it is spent.
CREATE TABLE auth_store.passkey_challenges (
    id         uuid        NOT NULL,
    expires_at timestamptz NOT NULL,
    user_id    uuid,
    tenant_id  text COLLATE "C" NOT NULL,
    ceremony   text COLLATE "C" NOT NULL,
    digest     bytea       NOT NULL,
    CONSTRAINT passkey_challenges_pkey PRIMARY KEY (id, tenant_id)
);

-- Failed attempts to log in, known devices, and locks of users by an administrator.
ALTER TABLE auth_store.users ADD COLUMN locked_until timestamptz;
ALTER TABLE auth_store.users ADD COLUMN lock_reason text;
CREATE TABLE auth_store.login_failures (
    id           uuid        NOT NULL,
    user_id      uuid,
    since        timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    locked_until timestamptz,
    failures     integer     NOT NULL,
    locks        integer     NOT NULL,
    max_failures integer     NOT NULL,
    tenant_id    text COLLATE "C" NOT NULL,
    kind         text COLLATE "C" NOT NULL,
    CONSTRAINT login_failures_pkey PRIMARY KEY (id, tenant_id),
    CONSTRAINT login_failures_kind_known CHECK (kind IN ('one_time', 'password', 'second_factor'))
) WITH (fillfactor = 50);
CREATE INDEX login_failures_user_idx ON auth_store.login_failures (user_id, tenant_id);

CREATE TABLE auth_store.devices (
    id            uuid        NOT NULL,
    user_id       uuid        NOT NULL,
    first_seen_at timestamptz NOT NULL,
    last_seen_at  timestamptz NOT NULL,
    trusted_until timestamptz,
    tenant_id     text COLLATE "C" NOT NULL,
    digest        bytea,
    ip            inet,
    user_agent    text,
    CONSTRAINT devices_pkey PRIMARY KEY (id, tenant_id),
    CONSTRAINT devices_user_fkey FOREIGN KEY (user_id, tenant_id)
        REFERENCES auth_store.users (id, tenant_id) ON DELETE CASCADE
) WITH (fillfactor = 80);
CREATE INDEX devices_user_idx ON auth_store.devices (user_id, tenant_id);

-- The passwords of users, hashed. The hashes are made and read by the library alone.
CREATE TABLE auth_store.passwords (
    user_id     uuid        NOT NULL,
    changed_at  timestamptz NOT NULL,
    revision    bigint      NOT NULL,
    must_change boolean     NOT NULL,
    tenant_id   text COLLATE "C" NOT NULL,
    hash        text COLLATE "C" NOT NULL,
    CONSTRAINT passwords_pkey PRIMARY KEY (user_id, tenant_id),
    CONSTRAINT passwords_user_fkey FOREIGN KEY (user_id, tenant_id)
        REFERENCES auth_store.users (id, tenant_id) ON DELETE CASCADE
);
CREATE INDEX passwords_tenant_idx ON auth_store.passwords (tenant_id);

-- What a user may not use again, where the tenant's policy says so.
CREATE TABLE auth_store.former_passwords (
    user_id     uuid        NOT NULL,
    replaced_at timestamptz NOT NULL,
    revision    bigint      NOT NULL,
    tenant_id   text COLLATE "C" NOT NULL,
    hash        text COLLATE "C" NOT NULL,
    CONSTRAINT former_passwords_pkey PRIMARY KEY (user_id, tenant_id, revision),
    CONSTRAINT former_passwords_user_fkey FOREIGN KEY (user_id, tenant_id)
        REFERENCES auth_store.users (id, tenant_id) ON DELETE CASCADE
);
CREATE INDEX former_passwords_tenant_idx ON auth_store.former_passwords (tenant_id);
-- When each address of a user was proved. Those that are no names yet are dealt with when they become names.
ALTER TABLE auth_store.user_names ADD COLUMN verified_at timestamptz;
UPDATE auth_store.user_names n SET verified_at = u.updated_at
  FROM auth_store.users u
 WHERE u.id = n.user_id AND u.tenant_id = n.tenant_id AND u.email_verified AND n.kind = 'email' AND n.name = u.email;

-- One-time tokens.
CREATE TABLE auth_store.one_time_tokens (
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

-- Passwords that nobody may have.
CREATE TABLE auth_store.common_passwords (
    password text COLLATE "C" NOT NULL,
    CONSTRAINT common_passwords_pkey PRIMARY KEY (password)
);

CREATE TABLE auth_store.breached_passwords (
    prefix   text COLLATE "C" NOT NULL,
    suffixes bytea NOT NULL,
    CONSTRAINT breached_passwords_pkey PRIMARY KEY (prefix),
    CONSTRAINT breached_passwords_prefix_shape CHECK (prefix ~ '^[0-9A-F]{6}$'),
    CONSTRAINT breached_passwords_suffixes_whole CHECK (pg_catalog.octet_length(suffixes) % 5 = 0)
);
-- When the user of a session was authenticated again.
ALTER TABLE auth_store.sessions ADD COLUMN auth_time timestamptz;

-- Authenticator apps of users. Passkeys are in a table of their own.
CREATE TABLE auth_store.mfa_factors (
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
CREATE INDEX mfa_factors_user_idx ON auth_store.mfa_factors (user_id, tenant_id);
CREATE INDEX mfa_factors_vault_key_idx ON auth_store.mfa_factors (key_id, tenant_id, id);

-- What lets a user in who has lost the factors: ten codes, each good once.
CREATE TABLE auth_store.recovery_codes (
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
CREATE INDEX recovery_codes_user_idx ON auth_store.recovery_codes (user_id, tenant_id);

-- Secrets of other stores that went into imported hashes.
CREATE TABLE auth_store.password_peppers (
    id         uuid        NOT NULL,
    key_id     uuid        NOT NULL,
    created_at timestamptz NOT NULL,
    tenant_id  text COLLATE "C" NOT NULL,
    pepper     bytea       NOT NULL,
    CONSTRAINT password_peppers_pkey PRIMARY KEY (id, tenant_id),
    CONSTRAINT password_peppers_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES auth_store.tenants (id),
    CONSTRAINT password_peppers_key_fkey FOREIGN KEY (key_id, tenant_id)
        REFERENCES auth_store.vault_keys (id, tenant_id)
);
CREATE INDEX password_peppers_tenant_idx ON auth_store.password_peppers (tenant_id);
CREATE INDEX password_peppers_key_idx ON auth_store.password_peppers (key_id, tenant_id);
-- What users are at other providers.
CREATE TABLE auth_store.identities (
    user_id        uuid        NOT NULL,
    linked_at      timestamptz NOT NULL,
    last_used_at   timestamptz,
    bucket         integer     NOT NULL,
    email_verified boolean     NOT NULL,
    tenant_id      text COLLATE "C" NOT NULL,
    provider       text COLLATE "C" NOT NULL,
    subject        text COLLATE "C" NOT NULL,
    email          text,
    profile        jsonb       NOT NULL,
    CONSTRAINT identities_pkey PRIMARY KEY (tenant_id, provider, subject),
    CONSTRAINT identities_user_fkey FOREIGN KEY (user_id, tenant_id)
        REFERENCES auth_store.users (id, tenant_id) ON DELETE CASCADE,
    CONSTRAINT identities_profile_object CHECK (pg_catalog.jsonb_typeof(profile) = 'object')
) WITH (fillfactor = 90);
CREATE INDEX identities_user_idx ON auth_store.identities (user_id, tenant_id);
-- Users whom nobody knows yet.
ALTER TABLE auth_store.users ADD COLUMN anonymous boolean NOT NULL DEFAULT false;
CREATE INDEX users_anonymous_idx ON auth_store.users (id) WHERE anonymous;
