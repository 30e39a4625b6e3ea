-- The partitioned parent carries no key and no index: each partition gets its own from
-- partitions_ensure(), which install() calls and which the first write of a new month calls by itself.
CREATE TABLE IF NOT EXISTS auth_store.audit_log (
    id            uuid        NOT NULL,
    occurred_at   timestamptz NOT NULL,
    risk_score    real        NOT NULL DEFAULT 0,
    success       boolean     NOT NULL,
    user_id       uuid,
    grant_id      uuid,
    session_id    uuid,
    tenant_id     text COLLATE "C" NOT NULL,
    event         text COLLATE "C" NOT NULL,
    client_id     text COLLATE "C",
    resource_type text COLLATE "C",
    resource_id   text COLLATE "C",
    error         text COLLATE "C",
    flags         text[],
    ip            inet,
    user_agent    text,
    details       jsonb,
    called_by     text COLLATE "C",
    called_as     text COLLATE "C",
    from_application boolean
) PARTITION BY RANGE (occurred_at);
COMMENT ON TABLE auth_store.audit_log IS 'The audit trail: one row per step, written in the step''s own transaction; monthly partitions, bounds in UTC.';
COMMENT ON COLUMN auth_store.audit_log.id IS 'Time-ordered, see id_time().';
COMMENT ON COLUMN auth_store.audit_log.risk_score IS '0.00 to 1.00 by the rules of docs/audit.md.';
COMMENT ON COLUMN auth_store.audit_log.flags IS 'Why the risk is what it is: code_replay, refresh_reuse, wrong_secret, unknown_client, new_network, scope_widening …';
COMMENT ON COLUMN auth_store.audit_log.called_by IS 'The database role that called: who had logged in, session_user. NULL: the row is older than this column.';
COMMENT ON COLUMN auth_store.audit_log.called_as IS 'The role that SET ROLE had set, where that was another.';
COMMENT ON COLUMN auth_store.audit_log.from_application IS 'Written by audit_write(); false: by the store itself. NULL: the row is older than this column.';
-- A deletion, of a tenant, is replicated by the whole row: there is no key. The partitions have the same.
ALTER TABLE auth_store.audit_log REPLICA IDENTITY FULL;
