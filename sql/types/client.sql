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
    updated_at                 timestamptz,
    owner_id                   uuid,
    origin                     text,
    jwks                       jsonb,
    jwks_uri                   text,
    access_token_format        text,
    profile                    text,
    require_par                boolean,
    dpop_bound                 boolean,
    certificate_bound          boolean,
    certificate_subject        jsonb,
    subject_type               text,
    id_token_signed_response_alg text,
    userinfo_signed_response_alg text,
    default_max_age            integer,
    authorization_details_types text[],
    post_logout_redirect_uris  text[],
    backchannel_logout_uri     text,
    backchannel_logout_session_required boolean,
    registration_expires_at    timestamptz
);
COMMENT ON TYPE auth_store.client_profile IS 'A client as it is registered; no secrets.';

CREATE TYPE auth_store.client_rate AS (
    tenant_id    text,
    client_id    text,
    max_per_hour integer,
    used         double precision
);
COMMENT ON TYPE auth_store.client_rate IS 'How much of its requests an hour a client has used.';

CREATE TYPE auth_store.client_document AS (
    client_id         text,
    error             text,
    error_description text,
    retry_after       integer
);
COMMENT ON TYPE auth_store.client_document IS 'The client of a document that was fetched, or an error.';
