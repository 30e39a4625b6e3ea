CREATE TYPE auth_store.activity_entry AS (
    activity_id      uuid,
    occurred_at      timestamptz,
    event            text,
    success          boolean,
    client_id        text,
    session_id       uuid,
    ip               inet,
    user_agent       text,
    from_application boolean,
    actor_id         uuid
);
COMMENT ON TYPE auth_store.activity_entry IS 'A step in the list of a user''s.';
