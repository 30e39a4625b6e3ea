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

CREATE TYPE auth_store.audit_entry AS (
    id               uuid,
    occurred_at      timestamptz,
    event            text,
    success          boolean,
    error            text,
    risk_score       double precision,
    flags            text[],
    tenant_id        text,
    client_id        text,
    user_id          uuid,
    grant_id         uuid,
    session_id       uuid,
    actor_id         uuid,
    resource_type    text,
    resource_id      text,
    ip               inet,
    user_agent       text,
    details          jsonb,
    called_by        text,
    called_as        text,
    from_application boolean
);
COMMENT ON TYPE auth_store.audit_entry IS 'A row of the audit trail.';
