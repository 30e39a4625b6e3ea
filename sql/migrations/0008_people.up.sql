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
CREATE INDEX user_roles_expires_idx ON auth_store.user_roles (expires_at) WHERE expires_at IS NOT NULL;
