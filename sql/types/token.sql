CREATE TYPE auth_store.token_response AS (
    access_token      text,
    token_type        text,
    expires_in        integer,
    refresh_token     text,
    scope             text,
    grant_id          uuid,
    user_id           uuid,
    client_id         text,
    tenant_id         text,
    claims            jsonb,
    error             text,
    error_description text,
    retry_after       integer,
    session_id        uuid,
    nonce             text,
    auth_time         timestamptz,
    acr               text,
    amr               text[],
    issued_token_type text,
    authorization_details jsonb,
    id_token          text
);
COMMENT ON TYPE auth_store.token_response IS
    'Answer of the token endpoint (RFC 6749 sections 5.1 and 5.2): tokens, or an error.';

CREATE TYPE auth_store.token_state AS (
    active     boolean,
    scope      text,
    client_id  text,
    user_id    uuid,
    username   text,
    token_type text,
    issued_at  timestamptz,
    expires_at timestamptz,
    audience   text[],
    jti        uuid,
    grant_id   uuid,
    session_id uuid,
    tenant_id  text,
    cnf        jsonb,
    claims     jsonb,
    authorization_details jsonb
);
COMMENT ON TYPE auth_store.token_state IS 'What introspection says of a token (RFC 7662 section 2.2).';

CREATE TYPE auth_store.nth_token_state AS (
    n          integer,
    active     boolean,
    scope      text,
    client_id  text,
    user_id    uuid,
    username   text,
    token_type text,
    issued_at  timestamptz,
    expires_at timestamptz,
    audience   text[],
    jti        uuid,
    grant_id   uuid,
    session_id uuid,
    tenant_id  text,
    cnf        jsonb,
    claims     jsonb,
    authorization_details jsonb
);
COMMENT ON TYPE auth_store.nth_token_state IS 'What introspection says of one of many tokens.';

CREATE TYPE auth_store.token_authorization AS (
    active            boolean,
    scope             text,
    client_id         text,
    user_id           uuid,
    username          text,
    token_type        text,
    issued_at         timestamptz,
    expires_at        timestamptz,
    audience          text[],
    jti               uuid,
    grant_id          uuid,
    session_id        uuid,
    tenant_id         text,
    cnf               jsonb,
    claims            jsonb,
    error             text,
    error_description text,
    external_id       text,
    authorization_details jsonb
);
COMMENT ON TYPE auth_store.token_authorization IS
    'What introspection says of a token, and whether it is good for what is asked (RFC 6750 section 3.1).';

CREATE TYPE auth_store.nth_token_authorization AS (
    n                 integer,
    active            boolean,
    scope             text,
    client_id         text,
    user_id           uuid,
    username          text,
    token_type        text,
    issued_at         timestamptz,
    expires_at        timestamptz,
    audience          text[],
    jti               uuid,
    grant_id          uuid,
    session_id        uuid,
    tenant_id         text,
    cnf               jsonb,
    claims            jsonb,
    error             text,
    error_description text,
    external_id       text,
    authorization_details jsonb
);
COMMENT ON TYPE auth_store.nth_token_authorization IS
    'What introspection says of one of many tokens, and whether it is good for what is asked.';

CREATE TYPE auth_store.jwt_verification AS (
    active            boolean,
    client_id         text,
    user_id           uuid,
    subject           text,
    scope             text,
    audience          text[],
    issued_at         timestamptz,
    expires_at        timestamptz,
    jti               uuid,
    issuer            text,
    tenant_id         text,
    cnf               jsonb,
    claims            jsonb,
    error             text,
    error_description text
);
COMMENT ON TYPE auth_store.jwt_verification IS
    'What a JWT access token says that holds (RFC 9068 section 4), or why it is not accepted.';
