CREATE TYPE auth_store.role_profile AS (
    name        text,
    description text,
    permissions text[],
    inherits    text[],
    effective   text[],
    created_at  timestamptz,
    updated_at  timestamptz,
    built_in    boolean
);
COMMENT ON TYPE auth_store.role_profile IS 'A role of a tenant.';

CREATE TYPE auth_store.user_role AS (
    tenant_id   text,
    role        text,
    permissions text[],
    assigned_at timestamptz,
    assigned_by uuid,
    expires_at  timestamptz
);
COMMENT ON TYPE auth_store.user_role IS 'A role that a user has.';
