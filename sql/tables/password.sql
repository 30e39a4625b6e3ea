-- The passwords of users, hashed. The hashes are made and read by the library alone.
CREATE TABLE IF NOT EXISTS auth_store.passwords (
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
CREATE INDEX IF NOT EXISTS passwords_tenant_idx ON auth_store.passwords (tenant_id);
COMMENT ON TABLE auth_store.passwords IS 'The passwords of users, one at most of each user, hashed.';
COMMENT ON COLUMN auth_store.passwords.user_id IS 'Whose password it is.';
COMMENT ON COLUMN auth_store.passwords.changed_at IS 'When the password was set; a new hash of it does not count.';
COMMENT ON COLUMN auth_store.passwords.revision IS
    'How often the user got a password; a new hash of the same password does not count.';
COMMENT ON COLUMN auth_store.passwords.must_change IS 'Whether the user has to choose another password.';
COMMENT ON COLUMN auth_store.passwords.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN auth_store.passwords.hash IS
    'A PHC string: $function$parameters$salt$digest. in among the parameters says in which form another store hashed '
    'what was typed; without it the password is this store''s (argon2id, OpaqueString of RFC 8265). pepper is the '
    'name of the secret that goes in too: the key_id of a master key, or where there is in the id of a row of '
    'password_peppers.';
COMMENT ON CONSTRAINT passwords_pkey ON auth_store.passwords IS 'A user has one password, found by the user.';
COMMENT ON CONSTRAINT passwords_user_fkey ON auth_store.passwords IS 'The password goes with its user.';
COMMENT ON INDEX auth_store.passwords_tenant_idx IS 'The passwords of a tenant, for tenant_erase().';

-- What a user may not use again, where the tenant's policy says so.
CREATE TABLE IF NOT EXISTS auth_store.former_passwords (
    user_id     uuid        NOT NULL,
    replaced_at timestamptz NOT NULL,
    revision    bigint      NOT NULL,
    tenant_id   text COLLATE "C" NOT NULL,
    hash        text COLLATE "C" NOT NULL,
    CONSTRAINT former_passwords_pkey PRIMARY KEY (user_id, tenant_id, revision),
    CONSTRAINT former_passwords_user_fkey FOREIGN KEY (user_id, tenant_id)
        REFERENCES auth_store.users (id, tenant_id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS former_passwords_tenant_idx ON auth_store.former_passwords (tenant_id);
COMMENT ON TABLE auth_store.former_passwords IS
    'Former passwords of users, hashed, as many as password_history in tenant_policy() says.';
COMMENT ON COLUMN auth_store.former_passwords.user_id IS 'Whose password it was.';
COMMENT ON COLUMN auth_store.former_passwords.replaced_at IS 'When another one took its place.';
COMMENT ON COLUMN auth_store.former_passwords.revision IS 'As in passwords, when it was the present one.';
COMMENT ON COLUMN auth_store.former_passwords.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN auth_store.former_passwords.hash IS
    'The hash as it stood in passwords: a PHC string, which a new password is verified against.';
COMMENT ON CONSTRAINT former_passwords_pkey ON auth_store.former_passwords IS
    'The former passwords of a user in the order in which they were replaced; the oldest go first.';
COMMENT ON CONSTRAINT former_passwords_user_fkey ON auth_store.former_passwords IS
    'Former passwords go with their user.';
COMMENT ON INDEX auth_store.former_passwords_tenant_idx IS 'The former passwords of a tenant, for tenant_erase().';

-- Secrets of other stores that went into imported hashes.
CREATE TABLE IF NOT EXISTS auth_store.password_peppers (
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
CREATE INDEX IF NOT EXISTS password_peppers_tenant_idx ON auth_store.password_peppers (tenant_id);
CREATE INDEX IF NOT EXISTS password_peppers_key_idx ON auth_store.password_peppers (key_id, tenant_id);
COMMENT ON TABLE auth_store.password_peppers IS
    'Secrets of other stores that went into the hashes of all their users, see password_import(); sealed.';
COMMENT ON COLUMN auth_store.password_peppers.id IS 'Time-ordered, see id_time(). The hashes name it.';
COMMENT ON COLUMN auth_store.password_peppers.key_id IS 'The data key that sealed it.';
COMMENT ON COLUMN auth_store.password_peppers.created_at IS 'When it was first imported.';
COMMENT ON COLUMN auth_store.password_peppers.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN auth_store.password_peppers.pepper IS
    'nonce(12) ‖ ciphertext ‖ tag(16), under a key derived from the data key for tenant, row and column.';
COMMENT ON CONSTRAINT password_peppers_pkey ON auth_store.password_peppers IS
    'Finds the secret that a hash names. With the tenant in it, no hash can name another tenant''s secret.';
COMMENT ON CONSTRAINT password_peppers_tenant_fkey ON auth_store.password_peppers IS
    'Peppers go before their tenant does; tenant_erase() deletes them.';
COMMENT ON CONSTRAINT password_peppers_key_fkey ON auth_store.password_peppers IS
    'A data key stays as long as it opens a pepper: without the pepper no password that needs it could be verified.';
COMMENT ON INDEX auth_store.password_peppers_tenant_idx IS
    'The peppers of a tenant, for tenant_erase(); covers password_peppers_tenant_fkey.';
COMMENT ON INDEX auth_store.password_peppers_key_idx IS
    'What a data key has sealed, for vault_rekey(); covers password_peppers_key_fkey.';
