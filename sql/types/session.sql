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
    idle_expires_at   timestamptz,
    external_id       text,
    actor_id          uuid,
    auth_time         timestamptz
);
COMMENT ON TYPE auth_store.session_state IS 'What a session token is good for.';

CREATE TYPE auth_store.nth_session_state AS (
    n                 integer,
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
    idle_expires_at   timestamptz,
    external_id       text,
    actor_id          uuid,
    auth_time         timestamptz
);
COMMENT ON TYPE auth_store.nth_session_state IS 'What one of many session tokens is good for.';

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
    ended_reason    text,
    actor_id        uuid
);
COMMENT ON TYPE auth_store.session_entry IS 'A session in the list of a user''s.';
