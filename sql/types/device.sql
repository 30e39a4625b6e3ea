CREATE TYPE auth_store.device_authorization AS (
    device_code       text,
    user_code         text,
    expires_in        integer,
    interval          integer,
    scope             text,
    error             text,
    error_description text,
    retry_after       integer
);
COMMENT ON TYPE auth_store.device_authorization IS 'Device authorization response (RFC 8628 section 3.2), or an error.';

CREATE TYPE auth_store.device_request AS (
    client_id         text,
    client_name       text,
    scope             text,
    resource          text[],
    status            text,
    expires_at        timestamptz,
    error             text,
    error_description text,
    retry_after       integer
);
COMMENT ON TYPE auth_store.device_request IS
    'The request behind a user code, for the page that asks the user, or an error.';

CREATE TYPE auth_store.device_hand_over AS (
    hand_over         jsonb,
    user_id           uuid,
    error             text,
    error_description text,
    retry_after       integer
);
COMMENT ON TYPE auth_store.device_hand_over IS
    'What the shard of the user makes a grant of for a device, or an error (RFC 8628 section 3.5).';
