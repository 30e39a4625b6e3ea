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

CREATE TYPE auth_store.audit_head AS (
    number    bigint,
    closed_at timestamptz,
    first_at  timestamptz,
    last_at   timestamptz,
    rows      integer,
    root      text,
    head      text
);
COMMENT ON TYPE auth_store.audit_head IS 'A segment of the audit trail with its place in the chain.';

CREATE TYPE auth_store.audit_finding AS (
    kind    text,
    segment bigint,
    id      uuid,
    detail  text
);
COMMENT ON TYPE auth_store.audit_finding IS 'What audit_verify() has found to be other than it was sealed.';
