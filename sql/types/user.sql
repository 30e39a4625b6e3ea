CREATE TYPE auth_store.user_registration AS (
    user_id           uuid,
    error             text,
    error_description text,
    retry_after       integer
);
COMMENT ON TYPE auth_store.user_registration IS 'A new user, or an error.';

CREATE TYPE auth_store.user_profile AS (
    user_id        uuid,
    tenant_id      text,
    status         text,
    status_reason  text,
    email          text,
    email_verified boolean,
    external_id    text,
    first_name     text,
    last_name      text,
    metadata       jsonb,
    created_at     timestamptz,
    updated_at     timestamptz,
    status_changed_at timestamptz
);
COMMENT ON TYPE auth_store.user_profile IS 'A user as registered; no secrets.';

CREATE TYPE auth_store.user_name AS (
    kind       text,
    name       text,
    created_at timestamptz,
    verified_at timestamptz
);
COMMENT ON TYPE auth_store.user_name IS 'A name that a user is found by.';

CREATE TYPE auth_store.user_import AS (
    position          integer,
    external_id       text,
    user_id           uuid,
    created           boolean,
    error             text,
    error_description text
);
COMMENT ON TYPE auth_store.user_import IS 'A user who was moved in, or why not.';

CREATE TYPE auth_store.name_claim AS (
    claimed           boolean,
    user_id           uuid,
    pending_until     timestamptz,
    error             text,
    error_description text,
    retry_after       integer
);
COMMENT ON TYPE auth_store.name_claim IS 'Whether a user of another shard has got a name, and else who has it.';

CREATE TYPE auth_store.claimable_name AS (
    kind   text,
    name   text,
    bucket integer
);
COMMENT ON TYPE auth_store.claimable_name IS 'A name that is to be claimed on the shard of its bucket.';
