-- The first statements of the install script: which database may have the store, who may own the schema,
-- and the composite types that the functions return, each with what it says; sql/type_comments.sql has what the
-- columns say. pgrx puts one file in this place, so all domains share it.

-- The library reads and writes UTF-8; in a database of another encoding the first other byte would be an
-- internal error.
DO $$
BEGIN
    IF pg_catalog.getdatabaseencoding() OPERATOR(pg_catalog.<>) 'UTF8' THEN
        RAISE EXCEPTION 'auth_store needs a database with the encoding UTF8, this one has %',
            pg_catalog.getdatabaseencoding()
            USING ERRCODE = 'feature_not_supported',
                  HINT = 'CREATE DATABASE name ENCODING ''UTF8'' TEMPLATE template0';
    END IF;
END
$$;

-- The owner of the schema can replace the objects that the functions name in it.
DO $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_catalog.pg_namespace n
          JOIN pg_catalog.pg_roles r ON r.oid OPERATOR(pg_catalog.=) n.nspowner
         WHERE n.nspname OPERATOR(pg_catalog.=) 'auth_store'
           AND (r.rolsuper OR r.rolname OPERATOR(pg_catalog.=) current_user)
    ) THEN
        RAISE EXCEPTION 'schema auth_store belongs to another role that is no superuser'
            USING ERRCODE = 'insufficient_privilege',
                  HINT = 'Drop the schema, or ALTER SCHEMA auth_store OWNER TO the installing superuser.';
    END IF;
END
$$;

-- any domain
CREATE TYPE auth_store.outcome AS (
    error             text,
    error_description text,
    retry_after       integer
);
COMMENT ON TYPE auth_store.outcome IS 'Success, all NULL, or an error.';

-- client
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

-- user
CREATE TYPE auth_store.user_registration AS (
    user_id           uuid,
    error             text,
    error_description text
);
COMMENT ON TYPE auth_store.user_registration IS 'A new user, or an error.';
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
COMMENT ON TYPE auth_store.user_profile IS 'A user as registered; no secrets.';

-- session
CREATE TYPE auth_store.session_token AS (
    session_id        uuid,
    session_token     text,
    expires_at        timestamptz,
    error             text,
    error_description text
);
COMMENT ON TYPE auth_store.session_token IS 'A session with the token for the cookie, or an error.';
CREATE TYPE auth_store.session_state AS (
    valid             boolean,
    session_id        uuid,
    user_id           uuid,
    tenant_id         text,
    created_at        timestamptz,
    last_seen_at      timestamptz,
    expires_at        timestamptz,
    acr               text,
    amr               text[],
    metadata          jsonb,
    error             text,
    error_description text,
    idle_expires_at   timestamptz
);
COMMENT ON TYPE auth_store.session_state IS 'What a session token is good for.';
CREATE TYPE auth_store.session_entry AS (
    session_id      uuid,
    status          text,
    created_at      timestamptz,
    last_seen_at    timestamptz,
    expires_at      timestamptz,
    idle_expires_at timestamptz,
    ip              inet,
    user_agent      text,
    acr             text,
    amr             text[],
    metadata        jsonb,
    ended_at        timestamptz,
    ended_reason    text
);
COMMENT ON TYPE auth_store.session_entry IS 'A session in the list of a user''s.';

-- token
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
    amr               text[],
    issued_token_type text
);
COMMENT ON TYPE auth_store.token_response IS
    'Answer of the token endpoint (RFC 6749 sections 5.1 and 5.2): tokens, or an error.';
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
COMMENT ON TYPE auth_store.token_state IS 'What introspection says of a token (RFC 7662 section 2.2).';
CREATE TYPE auth_store.token_authorization AS (
    active            boolean,
    scope             text,
    client_id         text,
    user_id           uuid,
    username          text,
    token_type        text,
    issued_at         timestamptz,
    expires_at        timestamptz,
    audience          text[],
    jti               uuid,
    grant_id          uuid,
    session_id        uuid,
    tenant_id         text,
    cnf               jsonb,
    claims            jsonb,
    error             text,
    error_description text
);
COMMENT ON TYPE auth_store.token_authorization IS
    'What introspection says of a token, and whether it is good for what is asked (RFC 6750 section 3.1).';

-- code
CREATE TYPE auth_store.code_response AS (
    code              text,
    expires_at        timestamptz,
    scope             text,
    state             text,
    error             text,
    error_description text
);
COMMENT ON TYPE auth_store.code_response IS
    'An authorization code for the redirect (RFC 6749 section 4.1.2), or an error.';
CREATE TYPE auth_store.pushed_request AS (
    request_uri       text,
    expires_in        integer,
    error             text,
    error_description text,
    retry_after       integer
);
COMMENT ON TYPE auth_store.pushed_request IS
    'Answer to a pushed authorization request (RFC 9126 section 2.2), or an error.';
CREATE TYPE auth_store.pushed_request_parameters AS (
    parameters        jsonb,
    resource          text[],
    error             text,
    error_description text
);
COMMENT ON TYPE auth_store.pushed_request_parameters IS 'The parameters behind a request_uri, or an error.';

-- device
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
COMMENT ON TYPE auth_store.device_authorization IS 'Device authorization response (RFC 8628 section 3.2), or an error.';
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
COMMENT ON TYPE auth_store.device_request IS
    'The request behind a user code, for the page that asks the user, or an error.';

-- consent
CREATE TYPE auth_store.consent_record AS (
    scope             text,
    error             text,
    error_description text
);
COMMENT ON TYPE auth_store.consent_record IS 'What the user has agreed to by now, or an error.';
CREATE TYPE auth_store.consent_state AS (
    granted           boolean,
    missing_scope     text,
    error             text,
    error_description text
);
COMMENT ON TYPE auth_store.consent_state IS 'Whether the user has agreed to what is asked.';
CREATE TYPE auth_store.user_application AS (
    client_id        text,
    name             text,
    scope            text,
    consented        boolean,
    first_granted_at timestamptz,
    last_granted_at  timestamptz,
    last_used_at     timestamptz,
    live_grants      integer
);
COMMENT ON TYPE auth_store.user_application IS 'A client that a user has let in.';

-- proof
CREATE TYPE auth_store.dpop_proof AS (
    jkt               text,
    jti               text,
    error             text,
    error_description text
);
COMMENT ON TYPE auth_store.dpop_proof IS 'What a DPoP proof showed (RFC 9449 section 4.3), or an error.';

-- connection
CREATE TYPE auth_store.connection_tokens AS (
    connection_id           uuid,
    access_token            text,
    refresh_token           text,
    scope                   text,
    access_token_expires_at timestamptz,
    status                  text,
    metadata                jsonb,
    error                   text,
    error_description       text
);
COMMENT ON TYPE auth_store.connection_tokens IS 'The tokens of a connection to another provider, opened, or an error.';
CREATE TYPE auth_store.connection_profile AS (
    connection_id           uuid,
    provider                text,
    status                  text,
    provider_account_id     text,
    team_id                 text,
    provider_tenant_id      text,
    scope                   text,
    access_token_expires_at timestamptz,
    has_refresh_token       boolean,
    created_at              timestamptz,
    refreshed_at            timestamptz,
    last_error              text,
    last_error_at           timestamptz,
    failures                integer,
    revoked_at              timestamptz,
    revoked_reason          text,
    metadata                jsonb
);
COMMENT ON TYPE auth_store.connection_profile IS 'A connection to another provider in a list; no tokens.';
CREATE TYPE auth_store.due_connection AS (
    connection_id           uuid,
    tenant_id               text,
    provider                text,
    actor_type              text,
    actor_id                text,
    scope                   text,
    access_token_expires_at timestamptz,
    failures                integer,
    metadata                jsonb
);
COMMENT ON TYPE auth_store.due_connection IS 'A connection whose refresh is due.';
CREATE TYPE auth_store.connection_lease AS (
    granted           boolean,
    refresh_token     text,
    fence             bigint,
    leased_until      timestamptz,
    retry_after       integer,
    error             text,
    error_description text
);
COMMENT ON TYPE auth_store.connection_lease IS
    'The refresh token of a connection, to one caller at a time, or an error.';
CREATE TYPE auth_store.connection_refresh AS (
    ok                boolean,
    status            text,
    retry_after       integer,
    error             text,
    error_description text
);
COMMENT ON TYPE auth_store.connection_refresh IS 'What became of a refresh.';

-- key
CREATE TYPE auth_store.vault_state AS (
    kind        text,
    id          text,
    tenant_id   text,
    state       text,
    readable    boolean,
    data_keys   bigint,
    connections bigint
);
COMMENT ON TYPE auth_store.vault_state IS 'A key or a sealed value of the vault and whether it can be read.';
CREATE TYPE auth_store.vault_rekey_progress AS (
    keys_renewed bigint,
    keys_deleted bigint,
    rekeyed      bigint,
    unreadable   bigint,
    left_behind  bigint,
    total        bigint,
    after_key    uuid,
    after        uuid,
    done         boolean
);
COMMENT ON TYPE auth_store.vault_rekey_progress IS
    'How far a batch of rekeying came; the next one is called with after_key and after.';

-- api_key
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
    retry_after       integer
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

-- limit
CREATE TYPE auth_store.rate_limit_verdict AS (
    allowed     boolean,
    remaining   integer,
    retry_after integer,
    reset_at    timestamptz
);
COMMENT ON TYPE auth_store.rate_limit_verdict IS 'Whether a hit is within the limit.';
CREATE TYPE auth_store.rate_limit_statistics AS (
    slots   bigint,
    used    bigint,
    evicted bigint
);
COMMENT ON TYPE auth_store.rate_limit_statistics IS
    'The table of rate limits in shared memory; all 0 where the library is not preloaded.';

-- lifecycle
CREATE TYPE auth_store.cleanup_progress AS (
    deleted    bigint,
    examined   bigint,
    pass_start uuid,
    wrapped    boolean,
    done       boolean
);
COMMENT ON TYPE auth_store.cleanup_progress IS
    'How far a batch of cleanup came; the next one is called with pass_start and wrapped.';
