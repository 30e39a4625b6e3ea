CREATE TYPE auth_store.api_key_secret AS (
    api_key_id uuid,
    api_key    text
);
COMMENT ON TYPE auth_store.api_key_secret IS 'An API key and its text, which is shown this once.';

CREATE TYPE auth_store.api_key_state AS (
    valid             boolean,
    api_key_id        uuid,
    name              text,
    user_id           uuid,
    client_id         text,
    tenant_id         text,
    scope             text,
    expires_at        timestamptz,
    metadata          jsonb,
    error             text,
    error_description text
);
COMMENT ON TYPE auth_store.api_key_state IS 'What an API key is good for.';

CREATE TYPE auth_store.nth_api_key_state AS (
    n                 integer,
    valid             boolean,
    api_key_id        uuid,
    name              text,
    user_id           uuid,
    client_id         text,
    tenant_id         text,
    scope             text,
    expires_at        timestamptz,
    metadata          jsonb,
    error             text,
    error_description text
);
COMMENT ON TYPE auth_store.nth_api_key_state IS 'What one of many API keys is good for.';

CREATE TYPE auth_store.api_key_use AS (
    valid             boolean,
    api_key_id        uuid,
    name              text,
    user_id           uuid,
    client_id         text,
    tenant_id         text,
    scope             text,
    expires_at        timestamptz,
    metadata          jsonb,
    error             text,
    error_description text,
    retry_after       integer,
    external_id       text
);
COMMENT ON TYPE auth_store.api_key_use IS 'What an API key is good for, its rate limit asked too.';

CREATE TYPE auth_store.api_key_profile AS (
    api_key_id          uuid,
    name                text,
    start               text,
    user_id             uuid,
    client_id           text,
    tenant_id           text,
    scope               text,
    created_at          timestamptz,
    expires_at          timestamptz,
    revoked_at          timestamptz,
    revoked_reason      text,
    rotated_at          timestamptz,
    previous_expires_at timestamptz,
    last_used_at        timestamptz,
    last_used_ip        inet,
    allowed_cidrs       cidr[],
    rate_limit_per_hour integer,
    metadata            jsonb
);
COMMENT ON TYPE auth_store.api_key_profile IS 'An API key in a list; nothing of its secret.';
