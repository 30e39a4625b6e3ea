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
COMMENT ON TYPE auth_store.role_profile IS 'A role of a tenant with what it permits, see role_list().';

CREATE TYPE auth_store.user_role AS (
    tenant_id   text,
    role        text,
    permissions text[],
    assigned_at timestamptz,
    assigned_by uuid,
    expires_at  timestamptz
);
COMMENT ON TYPE auth_store.user_role IS 'A role that a user has.';

CREATE TYPE auth_store.member AS (
    user_id      uuid,
    email        text,
    external_id  text,
    roles        text[],
    member_since timestamptz,
    own          boolean
);
COMMENT ON TYPE auth_store.member IS 'A user who has a role in a tenant.';

CREATE TYPE auth_store.user_tenant AS (
    tenant_id    text,
    display_name text,
    roles        text[],
    member_since timestamptz,
    own          boolean
);
COMMENT ON TYPE auth_store.user_tenant IS 'A tenant that a user may act in.';
