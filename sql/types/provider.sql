CREATE TYPE auth_store.provider AS (
    name                   text,
    display_name           text,
    authorization_endpoint text,
    token_endpoint         text,
    revocation_endpoint    text,
    metadata               jsonb,
    created_at             timestamptz,
    updated_at             timestamptz
);
COMMENT ON TYPE auth_store.provider IS 'A provider that connections can be to.';
