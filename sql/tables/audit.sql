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
    from_application boolean,
    actor_id      uuid
) PARTITION BY RANGE (occurred_at);
COMMENT ON TABLE auth_store.audit_log IS
    'The audit trail: one row per step, written in the step''s own transaction; monthly partitions, bounds in UTC.';
COMMENT ON COLUMN auth_store.audit_log.id IS
    'Names the row. Time-ordered: its first 48 bits are the milliseconds at which it was made, see id_time().';
COMMENT ON COLUMN auth_store.audit_log.risk_score IS '0.00 to 1.00 by the rules of docs/reference/audit.md.';
COMMENT ON COLUMN auth_store.audit_log.flags IS
    'Why the risk is what it is: code_replay, refresh_reuse, wrong_secret, unknown_client, new_network, '
    'scope_widening …';
COMMENT ON COLUMN auth_store.audit_log.called_by IS
    'The database role that called: who had logged in, session_user. NULL: the row is older than this column.';
COMMENT ON COLUMN auth_store.audit_log.called_as IS 'The role that SET ROLE had set, where that was another.';
COMMENT ON COLUMN auth_store.audit_log.actor_id IS
    'The user who acted as the user concerned: see user_impersonate(). NULL: nobody did.';
COMMENT ON COLUMN auth_store.audit_log.from_application IS
    'Written by audit_write(); false: by the store itself. NULL: the row is older than this column.';
-- The table has no key, so the deletion of a tenant is replicated by the whole row. The partitions have the same.
ALTER TABLE auth_store.audit_log REPLICA IDENTITY FULL;
COMMENT ON COLUMN auth_store.audit_log.occurred_at IS 'When the step was taken, not when its transaction began.';
COMMENT ON COLUMN auth_store.audit_log.success IS 'Whether the step was granted; false: refused.';
COMMENT ON COLUMN auth_store.audit_log.user_id IS 'The user concerned; NULL: none, or not known.';
COMMENT ON COLUMN auth_store.audit_log.grant_id IS
    'The grant concerned: the log-in or consent that the tokens come from.';
COMMENT ON COLUMN auth_store.audit_log.session_id IS
    'The session concerned, of the store or of the application''s own.';
COMMENT ON COLUMN auth_store.audit_log.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN auth_store.audit_log.event IS
    'What happened: code.redeemed, token.refreshed, refresh_reuse, or what audit_write() was given; '
    'docs/reference/events.md lists them.';
COMMENT ON COLUMN auth_store.audit_log.client_id IS
    'The client as it was named in the request, also where no such client exists.';
COMMENT ON COLUMN auth_store.audit_log.resource_type IS
    'What kind of thing the step was about, where it is none of the above: api_key, connection, tenant, or the '
    'application''s own kinds.';
COMMENT ON COLUMN auth_store.audit_log.resource_id IS 'Which one of that kind.';
COMMENT ON COLUMN auth_store.audit_log.error IS 'The RFC''s code of the refusal; NULL on success.';
COMMENT ON COLUMN auth_store.audit_log.ip IS 'The address the application passed on; NULL: it passed none.';
COMMENT ON COLUMN auth_store.audit_log.user_agent IS
    'The client''s user agent as the application passed it on; NULL: none.';
COMMENT ON COLUMN auth_store.audit_log.details IS
    'What else belongs to the step, a JSON object; never a secret. NULL: nothing.';
