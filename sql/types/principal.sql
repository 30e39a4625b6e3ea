CREATE TYPE auth_store.principal AS (
    ok                boolean,
    kind              text,
    user_id           uuid,
    client_id         text,
    tenant_id         text,
    session_id        uuid,
    scope             text,
    expires_at        timestamptz,
    auth_time         timestamptz,
    acr               text,
    amr               text[],
    error             text,
    error_description text,
    actor_id          uuid
);
COMMENT ON TYPE auth_store.principal IS 'Who is behind a transaction, or why nobody is.';
