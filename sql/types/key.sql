CREATE TYPE auth_store.vault_state AS (
    kind        text,
    id          text,
    tenant_id   text,
    state       text,
    readable    boolean,
    data_keys   bigint,
    connections bigint,
    sealed_rows bigint
);
COMMENT ON TYPE auth_store.vault_state IS 'A key or a sealed value of the vault and whether it can be read.';

CREATE TYPE auth_store.vault_rekey_progress AS (
    keys_renewed bigint,
    keys_deleted bigint,
    rekeyed      bigint,
    unreadable   bigint,
    left_behind  bigint,
    total        bigint,
    after_key    uuid,
    after        uuid,
    done         boolean
);
COMMENT ON TYPE auth_store.vault_rekey_progress IS
    'How far a batch of rekeying came; the next one is called with after_key and after.';
