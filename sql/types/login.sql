CREATE TYPE auth_store.user_device AS (
    device_id     uuid,
    first_seen_at timestamptz,
    last_seen_at  timestamptz,
    trusted_until timestamptz,
    has_token     boolean,
    ip            inet,
    user_agent    text
);
COMMENT ON TYPE auth_store.user_device IS 'A device that a user has logged in with.';
