CREATE TABLE IF NOT EXISTS auth_store.users (
    id             uuid        NOT NULL,
    email_verified boolean     NOT NULL DEFAULT false,
    tenant_id      text COLLATE "C" NOT NULL DEFAULT 'default',
    status         text        NOT NULL DEFAULT 'active',
    email          text,
    external_id    text COLLATE "C",
    first_name     text,
    last_name      text,
    status_reason  text,
    metadata       jsonb       NOT NULL DEFAULT '{}',
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL,
    email_unnamed  boolean     NOT NULL DEFAULT false,
    status_changed_at timestamptz,
    locked_until   timestamptz,
    lock_reason    text,
    anonymous      boolean     NOT NULL DEFAULT false,
    CONSTRAINT users_pkey PRIMARY KEY (id, tenant_id),
    CONSTRAINT users_id_key UNIQUE (id),
    CONSTRAINT users_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES auth_store.tenants (id),
    CONSTRAINT users_status_known CHECK (status IN ('active', 'inactive', 'suspended', 'deleted')),
    CONSTRAINT users_metadata_object CHECK (pg_catalog.jsonb_typeof(metadata) = 'object')
);
CREATE INDEX IF NOT EXISTS users_tenant_idx ON auth_store.users (tenant_id, id);
CREATE INDEX IF NOT EXISTS users_email_unnamed_idx ON auth_store.users (id) WHERE email_unnamed;
CREATE INDEX IF NOT EXISTS users_anonymous_idx ON auth_store.users (id) WHERE anonymous;
COMMENT ON TABLE auth_store.users IS 'End users: resource owners (RFC 6749 section 1.1).';
COMMENT ON COLUMN auth_store.users.external_id IS
    'The user''s key in the application''s own users table, see user_ensure(): what is shown.';
COMMENT ON COLUMN auth_store.users.email IS 'The address as it was given: what is shown and mailed to.';
COMMENT ON COLUMN auth_store.users.email_unnamed IS
    'Whether the user is not found by the address, because it is another user''s too, see check().';
COMMENT ON COLUMN auth_store.users.anonymous IS
    'Whether the user has never got a name or a credential, see user_create_anonymous().';
COMMENT ON COLUMN auth_store.users.id IS
    'Names the row. Time-ordered: its first 48 bits are the milliseconds at which it was made, see id_time().';
COMMENT ON COLUMN auth_store.users.email_verified IS
    'Whether the address was shown to be the user''s; of each address user_names.verified_at says it.';
COMMENT ON COLUMN auth_store.users.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN auth_store.users.status IS
    'active, inactive, suspended or deleted; only an active one gets or uses tokens.';
COMMENT ON COLUMN auth_store.users.first_name IS 'As the user writes it; NULL: not known.';
COMMENT ON COLUMN auth_store.users.last_name IS 'As the user writes it; NULL: not known.';
COMMENT ON COLUMN auth_store.users.status_reason IS 'Why the user has that status; NULL: nobody said.';
COMMENT ON COLUMN auth_store.users.status_changed_at IS
    'When user_set_status() gave the user that status; NULL: never.';
COMMENT ON COLUMN auth_store.users.locked_until IS
    'Until when user_lock() keeps the user from logging in; infinity: until user_unlock(); NULL: it does not.';
COMMENT ON COLUMN auth_store.users.lock_reason IS 'Why the user was locked; NULL: not locked, or nobody said.';
COMMENT ON COLUMN auth_store.users.metadata IS 'What the application keeps with the user, a JSON object.';
COMMENT ON COLUMN auth_store.users.created_at IS 'When the user was registered.';
COMMENT ON COLUMN auth_store.users.updated_at IS 'When the row was last changed.';
COMMENT ON CONSTRAINT users_pkey ON auth_store.users IS
    'Finds a user by id. With the tenant in it, foreign keys carry both, so that no row can name a user of another '
    'tenant.';
COMMENT ON CONSTRAINT users_id_key ON auth_store.users IS
    'An id is unique over all tenants: a role in another tenant (user_roles) refers to the user by it alone.';
COMMENT ON CONSTRAINT users_tenant_fkey ON auth_store.users IS
    'Users go before their tenant does; tenant_erase() deletes them.';
COMMENT ON CONSTRAINT users_status_known ON auth_store.users IS
    'active, inactive, suspended or deleted: each of them is either let in or refused.';
COMMENT ON CONSTRAINT users_metadata_object ON auth_store.users IS
    'A JSON object, so that an application can add a member without a look at what is there.';
COMMENT ON INDEX auth_store.users_tenant_idx IS
    'The users of a tenant in the order of their making, for user_list() and tenant_erase(); covers users_tenant_fkey.';
COMMENT ON INDEX auth_store.users_email_unnamed_idx IS
    'Finds the few users who are not found by their address, for check() and for the next try to name them.';
COMMENT ON INDEX auth_store.users_anonymous_idx IS
    'Finds anonymous users in the order of their making, for cleanup; others cost it nothing.';

-- What a user is found by, unique within its kind. The keys are made by the library.
CREATE TABLE IF NOT EXISTS auth_store.user_names (
    user_id    uuid        NOT NULL,
    created_at timestamptz NOT NULL,
    bucket     integer     NOT NULL,
    tenant_id  text COLLATE "C" NOT NULL,
    kind       text COLLATE "C" NOT NULL,
    name_key   text COLLATE "C" NOT NULL,
    name       text COLLATE "C" NOT NULL,
    verified_at timestamptz,
    CONSTRAINT user_names_pkey PRIMARY KEY (tenant_id, kind, name_key),
    CONSTRAINT user_names_user_fkey FOREIGN KEY (user_id, tenant_id)
        REFERENCES auth_store.users (id, tenant_id) ON DELETE CASCADE,
    CONSTRAINT user_names_kind_known CHECK (kind IN ('email', 'external', 'phone', 'username'))
);
CREATE INDEX IF NOT EXISTS user_names_user_idx ON auth_store.user_names (user_id, tenant_id);
COMMENT ON TABLE auth_store.user_names IS 'The names of users: what a user is found by, of each kind any number.';
COMMENT ON COLUMN auth_store.user_names.user_id IS 'Whose name it is.';
COMMENT ON COLUMN auth_store.user_names.created_at IS 'When the user got the name.';
COMMENT ON COLUMN auth_store.user_names.bucket IS
    'The first 12 bits of SHA-256 of tenant_id, a zero byte and name_key: where a router looks for the name once the '
    'store is spread over several databases.';
COMMENT ON COLUMN auth_store.user_names.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN auth_store.user_names.kind IS 'email, external, phone or username.';
COMMENT ON COLUMN auth_store.user_names.name_key IS
    'What names of the kind are compared by, the same in every database and written by the store''s functions. '
    'email: the local part in NFC and lower case of Unicode, the domain in ASCII (UTS 46). external: as given. '
    'phone: the digits of E.164. username: NFC and case folding of Unicode.';
COMMENT ON COLUMN auth_store.user_names.name IS 'The name as it was given.';
COMMENT ON COLUMN auth_store.user_names.verified_at IS
    'When the user proved that mail to the address arrives, or the application said so; NULL: nobody has.';
COMMENT ON CONSTRAINT user_names_pkey ON auth_store.user_names IS
    'One user for a name of a kind within a tenant, and the look-up of a log-in. The key is folded by the library, '
    'the same in every locale.';
COMMENT ON CONSTRAINT user_names_user_fkey ON auth_store.user_names IS
    'Names go with their user. The tenant is in it, so that no name leads into another tenant.';
COMMENT ON CONSTRAINT user_names_kind_known ON auth_store.user_names IS
    'Each kind is folded by rules of its own; a name of an unknown kind could not be compared.';
COMMENT ON INDEX auth_store.user_names_user_idx IS 'The names of a user; covers user_names_user_fkey.';

-- Names that users of other shards have. Its own row for each, with the user's id alone: a user who is moved here
-- brings the names along, and both rows then stand side by side.
CREATE TABLE IF NOT EXISTS auth_store.user_name_claims (
    id            uuid        NOT NULL,
    user_id       uuid        NOT NULL,
    claimed_at    timestamptz NOT NULL,
    pending_until timestamptz,
    tenant_id     text COLLATE "C" NOT NULL,
    kind          text COLLATE "C" NOT NULL,
    CONSTRAINT user_name_claims_pkey PRIMARY KEY (id, tenant_id),
    CONSTRAINT user_name_claims_kind_known CHECK (kind IN ('email', 'external', 'identity', 'phone', 'username'))
);
CREATE INDEX IF NOT EXISTS user_name_claims_user_idx ON auth_store.user_name_claims (user_id, tenant_id);
COMMENT ON TABLE auth_store.user_name_claims IS
    'Names whose bucket is in this database and which users of other databases have, where the store is spread: a '
    'claim keeps everybody else from the name and leads to the user. Empty on a single database.';
COMMENT ON COLUMN auth_store.user_name_claims.id IS
    'The hash of tenant, kind and the name as it is compared, with the name''s bucket where ids have it: no shard but '
    'the user''s has the name itself.';
COMMENT ON COLUMN auth_store.user_name_claims.user_id IS
    'Whose name it is, or is to be. No foreign key, because the user lives elsewhere.';
COMMENT ON COLUMN auth_store.user_name_claims.claimed_at IS 'The first user_name_claim() or user_name_confirm().';
COMMENT ON COLUMN auth_store.user_name_claims.pending_until IS
    'When the claim lapses unless user_name_confirm() comes before; NULL: it came.';
COMMENT ON COLUMN auth_store.user_name_claims.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN auth_store.user_name_claims.kind IS
    'email, external, phone or username, as in user_names, or identity: an account at a provider.';
COMMENT ON CONSTRAINT user_name_claims_pkey ON auth_store.user_name_claims IS
    'One user for a name of a kind within a tenant, and the look-up of user_locate().';
COMMENT ON CONSTRAINT user_name_claims_kind_known ON auth_store.user_name_claims IS
    'The kinds of user_names, and accounts at providers.';
COMMENT ON INDEX auth_store.user_name_claims_user_idx IS
    'The claims of a user, for user_erase() and user_name_release() of all.';
