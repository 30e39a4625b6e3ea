CREATE TYPE auth_store.consent_record AS (
    scope             text,
    error             text,
    error_description text
);
COMMENT ON TYPE auth_store.consent_record IS 'What the user has agreed to by now, or an error.';

CREATE TYPE auth_store.consent_state AS (
    granted           boolean,
    missing_scope     text,
    error             text,
    error_description text
);
COMMENT ON TYPE auth_store.consent_state IS 'Whether the user has agreed to what is asked.';

CREATE TYPE auth_store.user_application AS (
    client_id        text,
    name             text,
    scope            text,
    consented        boolean,
    first_granted_at timestamptz,
    last_granted_at  timestamptz,
    last_used_at     timestamptz,
    live_grants      integer
);
COMMENT ON TYPE auth_store.user_application IS 'A client that a user has let in.';
