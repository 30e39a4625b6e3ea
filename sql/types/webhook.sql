CREATE TYPE auth_store.webhook_event_type AS (
    name        text,
    category    text,
    description text,
    schema      jsonb,
    sample      jsonb,
    created_at  timestamptz,
    updated_at  timestamptz,
    own         boolean
);
COMMENT ON TYPE auth_store.webhook_event_type IS 'A type of events that webhooks can subscribe to.';
