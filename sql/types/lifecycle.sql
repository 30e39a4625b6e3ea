CREATE TYPE auth_store.user_ended AS (
    codes       integer,
    sessions    integer,
    grants      integer,
    api_keys    integer,
    connections integer
);
COMMENT ON TYPE auth_store.user_ended IS 'How many things of a user user_end() ended.';

CREATE TYPE auth_store.cleanup_progress AS (
    deleted    bigint,
    examined   bigint,
    pass_start uuid,
    wrapped    boolean,
    done       boolean
);
COMMENT ON TYPE auth_store.cleanup_progress IS
    'How far a batch of cleanup came; the next one is called with pass_start and wrapped.';

CREATE TYPE auth_store.health_check AS (
    check_name text,
    status     text,
    detail     text,
    what_to_do text
);
COMMENT ON TYPE auth_store.health_check IS 'What health() says of one thing.';

CREATE TYPE auth_store.recovery_done AS (
    timeline      integer,
    refused_until timestamptz,
    claims_until  timestamptz,
    fences        bigint,
    single_use    bigint,
    sessions      bigint,
    grants        bigint,
    api_keys      bigint
);
COMMENT ON TYPE auth_store.recovery_done IS 'What recovered() has done.';
