CREATE TYPE auth_store.dpop_proof AS (
    jkt               text,
    jti               text,
    error             text,
    error_description text
);
COMMENT ON TYPE auth_store.dpop_proof IS 'What a DPoP proof showed (RFC 9449 section 4.3), or an error.';
