CREATE TABLE IF NOT EXISTS auth_store.roles (
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
COMMENT ON TABLE auth_store.roles IS
    'Roles: named sets of permissions of a tenant. Those that every tenant has (admin, moderator, user) have rows from '
    'the first step on that writes of the tenant''s roles.';
COMMENT ON COLUMN auth_store.roles.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN auth_store.roles.name IS
    'Its name in every call; lower-case letters, digits, dot, dash and underscore, at most 63.';
COMMENT ON COLUMN auth_store.roles.description IS 'What people read; NULL: nobody said.';
COMMENT ON COLUMN auth_store.roles.permissions IS
    'Its own permissions; users:* stands for all that begin with users: and * for all.';
COMMENT ON COLUMN auth_store.roles.inherits IS 'The roles of its tenant whose permissions it has too.';
COMMENT ON COLUMN auth_store.roles.effective IS
    'Its own permissions and all that it inherits, worked out whenever a role of the tenant changes.';
COMMENT ON COLUMN auth_store.roles.created_at IS 'When it was made.';
COMMENT ON COLUMN auth_store.roles.updated_at IS 'When it was last changed, itself and not by what it inherits.';
COMMENT ON CONSTRAINT roles_pkey ON auth_store.roles IS
    'A role is its name within a tenant; members refer to it by both.';
COMMENT ON CONSTRAINT roles_tenant_fkey ON auth_store.roles IS
    'Roles go before their tenant does; tenant_erase() deletes them.';
COMMENT ON CONSTRAINT roles_name_shape ON auth_store.roles IS
    '1 to 63 lower-case letters, digits, dots, dashes and underscores: one spelling of a name, also in a token.';

-- The tenant of a role need not be the user's own: a user may belong to several.
CREATE TABLE IF NOT EXISTS auth_store.user_roles (
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
CREATE INDEX IF NOT EXISTS user_roles_role_idx ON auth_store.user_roles (tenant_id, role);
CREATE INDEX IF NOT EXISTS user_roles_member_idx ON auth_store.user_roles (tenant_id, user_id);
CREATE INDEX IF NOT EXISTS user_roles_expires_idx ON auth_store.user_roles (expires_at) WHERE expires_at IS NOT NULL;
COMMENT ON TABLE auth_store.user_roles IS 'Which user has which role of which tenant, until when, and who gave it.';
COMMENT ON COLUMN auth_store.user_roles.id IS 'Time-ordered: when the user was first given the role, see id_time().';
COMMENT ON COLUMN auth_store.user_roles.user_id IS 'The user who has the role.';
COMMENT ON COLUMN auth_store.user_roles.assigned_at IS 'When it was last given.';
COMMENT ON COLUMN auth_store.user_roles.expires_at IS 'Its end; NULL: until it is taken away.';
COMMENT ON COLUMN auth_store.user_roles.assigned_by IS
    'The user who gave it, who may be gone since; NULL: the application itself.';
COMMENT ON COLUMN auth_store.user_roles.tenant_id IS 'The tenant of the role, which need not be the user''s own.';
COMMENT ON COLUMN auth_store.user_roles.role IS 'The name of the role in that tenant: roles.name.';
COMMENT ON CONSTRAINT user_roles_pkey ON auth_store.user_roles IS
    'Names the membership; with the tenant of the role in it a publication can filter by tenant.';
COMMENT ON CONSTRAINT user_roles_key ON auth_store.user_roles IS
    'A user has a role once: to assign it again changes its end. By it the roles of a user are read, without a '
    'statement.';
COMMENT ON CONSTRAINT user_roles_user_fkey ON auth_store.user_roles IS
    'Memberships go with the user. By the id alone, because the role''s tenant need not be the user''s own.';
COMMENT ON CONSTRAINT user_roles_role_fkey ON auth_store.user_roles IS
    'A membership of a role that is gone would give nothing; role_delete() takes the memberships along.';
COMMENT ON INDEX auth_store.user_roles_role_idx IS
    'The members of a role, whose permissions change with it; covers user_roles_role_fkey.';
COMMENT ON INDEX auth_store.user_roles_member_idx IS
    'The members of a tenant in the order of their ids, for their list and for tenant_erase().';
COMMENT ON INDEX auth_store.user_roles_expires_idx IS 'Finds memberships that are over, for cleanup.';
