-- The first statements of the install script: which database may have the store, who may own the schema,
-- and the composite types that the functions return.

-- The library reads and writes UTF-8; in a database of another encoding the first other byte would be an
-- internal error.
DO $$
BEGIN
    IF pg_catalog.getdatabaseencoding() <> 'UTF8' THEN
        RAISE EXCEPTION 'auth_store needs a database with the encoding UTF8, this one has %', pg_catalog.getdatabaseencoding()
            USING ERRCODE = 'feature_not_supported',
                  HINT = 'CREATE DATABASE name ENCODING ''UTF8'' TEMPLATE template0';
    END IF;
END
$$;

-- Whoever owns the schema can replace what the functions name in it.
DO $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_catalog.pg_namespace n
          JOIN pg_catalog.pg_roles r ON r.oid = n.nspowner
         WHERE n.nspname = 'auth_store'
           AND (r.rolsuper OR r.rolname = current_user)
    ) THEN
        RAISE EXCEPTION 'schema auth_store belongs to another role that is no superuser'
            USING ERRCODE = 'insufficient_privilege',
                  HINT = 'Drop the schema, or ALTER SCHEMA auth_store OWNER TO the installing superuser.';
    END IF;
END
$$;

-- token endpoint
CREATE TYPE auth_store.token_response AS (
    access_token      text,
    token_type        text,
    expires_in        integer,
    refresh_token     text,
    scope             text,
    grant_id          uuid,
    user_id           uuid,
    client_id         text,
    tenant_id         text,
    claims            jsonb,
    error             text,
    error_description text,
    retry_after       integer,
    session_id        uuid,
    nonce             text,
    auth_time         timestamptz,
    acr               text,
    amr               text[]
);
CREATE TYPE auth_store.token_state AS (
    active     boolean,
    scope      text,
    client_id  text,
    user_id    uuid,
    username   text,
    token_type text,
    issued_at  timestamptz,
    expires_at timestamptz,
    audience   text[],
    jti        uuid,
    grant_id   uuid,
    session_id uuid,
    tenant_id  text,
    cnf        jsonb,
    claims     jsonb
);
CREATE TYPE auth_store.token_authorization AS (
    active     boolean,
    scope      text,
    client_id  text,
    user_id    uuid,
    username   text,
    token_type text,
    issued_at  timestamptz,
    expires_at timestamptz,
    audience   text[],
    jti        uuid,
    grant_id   uuid,
    session_id uuid,
    tenant_id  text,
    cnf        jsonb,
    claims     jsonb,
    error             text,
    error_description text
);
CREATE TYPE auth_store.outcome AS (
    error             text,
    error_description text,
    retry_after       integer
);
CREATE TYPE auth_store.device_authorization AS (
    device_code       text,
    user_code         text,
    expires_in        integer,
    interval          integer,
    scope             text,
    error             text,
    error_description text,
    retry_after       integer
);
CREATE TYPE auth_store.device_request AS (
    client_id         text,
    client_name       text,
    scope             text,
    resource          text[],
    status            text,
    expires_at        timestamptz,
    error             text,
    error_description text,
    retry_after       integer
);
CREATE TYPE auth_store.pushed_request AS (
    request_uri       text,
    expires_in        integer,
    error             text,
    error_description text,
    retry_after       integer
);
CREATE TYPE auth_store.pushed_request_parameters AS (
    parameters        jsonb,
    resource          text[],
    error             text,
    error_description text
);
CREATE TYPE auth_store.code_response AS (
    code              text,
    expires_at        timestamptz,
    scope             text,
    state             text,
    error             text,
    error_description text
);

-- maintenance
CREATE TYPE auth_store.cleanup_progress AS (
    deleted    bigint,
    examined   bigint,
    pass_start uuid,
    wrapped    boolean,
    done       boolean
);

-- limit
CREATE TYPE auth_store.rate_limit_verdict AS (
    allowed     boolean,
    remaining   integer,
    retry_after integer,
    reset_at    timestamptz
);
CREATE TYPE auth_store.rate_limit_statistics AS (
    slots   bigint,
    used    bigint,
    evicted bigint
);

-- client
CREATE TYPE auth_store.client_registration AS (
    client_id     text,
    client_secret text
);
CREATE TYPE auth_store.client_authentication AS (
    ok                boolean,
    client_id         text,
    tenant_id         text,
    error             text,
    error_description text,
    retry_after       integer
);

-- user
CREATE TYPE auth_store.user_registration AS (
    user_id           uuid,
    error             text,
    error_description text
);
CREATE TYPE auth_store.client_profile AS (
    client_id                  text,
    tenant_id                  text,
    name                       text,
    status                     text,
    status_reason              text,
    client_type                text,
    token_endpoint_auth_method text,
    require_pkce               boolean,
    refresh_rotation           boolean,
    access_token_ttl           integer,
    refresh_token_ttl          integer,
    refresh_idle_ttl           integer,
    scope                      text,
    grant_types                text[],
    redirect_uris              text[],
    resources                  text[],
    metadata                   jsonb,
    created_at                 timestamptz,
    updated_at                 timestamptz
);
CREATE TYPE auth_store.user_profile AS (
    user_id        uuid,
    tenant_id      text,
    status         text,
    status_reason  text,
    email          text,
    email_verified boolean,
    external_id    text,
    first_name     text,
    last_name      text,
    metadata       jsonb,
    created_at     timestamptz,
    updated_at     timestamptz
);
