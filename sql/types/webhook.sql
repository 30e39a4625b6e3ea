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

CREATE TYPE auth_store.webhook_made AS (
    webhook_id uuid,
    secret     text,
    expires_at timestamptz
);
COMMENT ON TYPE auth_store.webhook_made IS 'A new webhook and its secret, which is shown this once.';

CREATE TYPE auth_store.webhook_profile AS (
    webhook_id        uuid,
    tenant_id         text,
    client_id         text,
    status            text,
    status_reason     text,
    status_changed_at timestamptz,
    target_url        text,
    event_types       text[],
    filters           jsonb,
    max_attempts      integer,
    max_per_hour      integer,
    in_order          boolean,
    deleted_when_gone boolean,
    created_at        timestamptz,
    updated_at        timestamptz,
    expires_at        timestamptz,
    metadata          jsonb
);
COMMENT ON TYPE auth_store.webhook_profile IS 'A webhook; nothing of its secrets.';

CREATE TYPE auth_store.webhook_request AS (
    delivery_id uuid,
    webhook_id  uuid,
    attempt     integer,
    url         text,
    headers     jsonb,
    body        text
);
COMMENT ON TYPE auth_store.webhook_request IS 'A delivery to send: an HTTP request, and what completes it.';

CREATE TYPE auth_store.webhook_completion AS (
    delivery_id uuid,
    status      text
);
COMMENT ON TYPE auth_store.webhook_completion IS 'What became of a delivery.';
