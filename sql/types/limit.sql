CREATE TYPE auth_store.rate_limit_verdict AS (
    allowed     boolean,
    remaining   integer,
    retry_after integer,
    reset_at    timestamptz
);
COMMENT ON TYPE auth_store.rate_limit_verdict IS 'Whether a hit is within the limit.';

CREATE TYPE auth_store.rate_limit_statistics AS (
    slots   bigint,
    used    bigint,
    evicted bigint
);
COMMENT ON TYPE auth_store.rate_limit_statistics IS
    'The table of rate limits in shared memory; all 0 where the library is not preloaded.';
