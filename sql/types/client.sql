CREATE TYPE auth_store.client_registration AS (
    client_id     text,
    client_secret text
);
COMMENT ON TYPE auth_store.client_registration IS 'A new client and its secret, which is shown this once.';

CREATE TYPE auth_store.client_authentication AS (
    ok                boolean,
    client_id         text,
    tenant_id         text,
    error             text,
    error_description text,
    retry_after       integer
);
COMMENT ON TYPE auth_store.client_authentication IS 'Whether a client is who it says, or an error.';

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
COMMENT ON TYPE auth_store.client_profile IS 'A client as it is registered; no secrets.';

CREATE TYPE auth_store.client_rate AS (
    tenant_id    text,
    client_id    text,
    max_per_hour integer,
    used         double precision
);
COMMENT ON TYPE auth_store.client_rate IS 'How much of its requests an hour a client has used.';
