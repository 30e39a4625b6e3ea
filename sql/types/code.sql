CREATE TYPE auth_store.code_response AS (
    code              text,
    expires_at        timestamptz,
    scope             text,
    state             text,
    error             text,
    error_description text
);
COMMENT ON TYPE auth_store.code_response IS
    'An authorization code for the redirect (RFC 6749 section 4.1.2), or an error.';

CREATE TYPE auth_store.pushed_request AS (
    request_uri       text,
    expires_in        integer,
    error             text,
    error_description text,
    retry_after       integer
);
COMMENT ON TYPE auth_store.pushed_request IS
    'Answer to a pushed authorization request (RFC 9126 section 2.2), or an error.';

CREATE TYPE auth_store.pushed_request_parameters AS (
    parameters        jsonb,
    resource          text[],
    error             text,
    error_description text
);
COMMENT ON TYPE auth_store.pushed_request_parameters IS 'The parameters behind a request_uri, or an error.';
