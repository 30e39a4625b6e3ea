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
