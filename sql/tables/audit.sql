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

-- The segments into which audit_seal() closes the trail. A head has the root of the leaves and the head before it in
-- its hash; the vault seals it.
CREATE TABLE IF NOT EXISTS auth_store.audit_segments (
    id             uuid        NOT NULL,
    key_id         uuid        NOT NULL,
    first_id       uuid        NOT NULL,
    last_id        uuid        NOT NULL,
    sealed_at      timestamptz NOT NULL,
    complete_before timestamptz NOT NULL,
    first_at       timestamptz NOT NULL,
    last_at        timestamptz NOT NULL,
    number         bigint      NOT NULL,
    rows           integer     NOT NULL,
    tenant_id      text COLLATE "C" NOT NULL,
    root           bytea       NOT NULL,
    head           bytea       NOT NULL,
    sealed         bytea       NOT NULL,
    CONSTRAINT audit_segments_pkey PRIMARY KEY (id, tenant_id),
    CONSTRAINT audit_segments_vault_key_fkey FOREIGN KEY (key_id, tenant_id)
        REFERENCES auth_store.vault_keys (id, tenant_id),
    CONSTRAINT audit_segments_hash_lengths
        CHECK (pg_catalog.octet_length(root) = 32 AND pg_catalog.octet_length(head) = 32),
    CONSTRAINT audit_segments_rows_positive CHECK (number > 0 AND rows > 0)
);
CREATE UNIQUE INDEX IF NOT EXISTS audit_segments_number_key ON auth_store.audit_segments (number);
CREATE INDEX IF NOT EXISTS audit_segments_last_at_idx ON auth_store.audit_segments (last_at);
CREATE INDEX IF NOT EXISTS audit_segments_vault_key_idx ON auth_store.audit_segments (key_id, tenant_id, id);
COMMENT ON TABLE auth_store.audit_segments IS
    'The segments of the audit trail that audit_seal() has closed, with the chain of their heads. They outlive the '
    'rows.';
COMMENT ON COLUMN auth_store.audit_segments.id IS 'Time-ordered, see id_time().';
COMMENT ON COLUMN auth_store.audit_segments.key_id IS 'The data key of the vault that has sealed the head.';
COMMENT ON COLUMN auth_store.audit_segments.first_id IS 'The smallest id of its rows.';
COMMENT ON COLUMN auth_store.audit_segments.last_id IS 'The greatest id of its rows.';
COMMENT ON COLUMN auth_store.audit_segments.sealed_at IS 'When it was closed.';
COMMENT ON COLUMN auth_store.audit_segments.complete_before IS
    'Every row of an earlier time is in this segment or in one before it; -infinity: that was not known.';
COMMENT ON COLUMN auth_store.audit_segments.first_at IS 'The earliest time of its rows, which are all of one month.';
COMMENT ON COLUMN auth_store.audit_segments.last_at IS 'The latest time of its rows.';
COMMENT ON COLUMN auth_store.audit_segments.number IS 'Its place in the chain, from 1 on, without gaps.';
COMMENT ON COLUMN auth_store.audit_segments.rows IS 'How many rows it has.';
COMMENT ON COLUMN auth_store.audit_segments.tenant_id IS 'Whose data key has sealed the head: always default''s.';
COMMENT ON COLUMN auth_store.audit_segments.root IS
    'The root of the Merkle tree (RFC 6962 section 2.1, SHA-256) over the leaves in the order of the ids of their '
    'rows.';
COMMENT ON COLUMN auth_store.audit_segments.head IS 'SHA-256 over what the segment says and the head before it.';
COMMENT ON COLUMN auth_store.audit_segments.sealed IS
    'The head sealed by the vault for this row: nonce(12) ‖ ciphertext(32) ‖ tag(16). Who lacks the key makes no '
    'head that opens from it.';
COMMENT ON CONSTRAINT audit_segments_pkey ON auth_store.audit_segments IS
    'Names the row: what the vault has sealed is bound to it.';
COMMENT ON CONSTRAINT audit_segments_vault_key_fkey ON auth_store.audit_segments IS
    'A data key stays as long as it opens a seal, so that no head becomes unreadable.';
COMMENT ON CONSTRAINT audit_segments_hash_lengths ON auth_store.audit_segments IS
    'Root and head are SHA-256 hashes, of 32 bytes.';
COMMENT ON CONSTRAINT audit_segments_rows_positive ON auth_store.audit_segments IS
    'The chain begins with 1, and no segment is empty.';
COMMENT ON INDEX auth_store.audit_segments_number_key IS
    'Finds the newest head, and keeps two sessions from adding the same place to the chain.';
COMMENT ON INDEX auth_store.audit_segments_last_at_idx IS
    'The segments that a row which comes late could be in: audit_seal() looks there.';
COMMENT ON INDEX auth_store.audit_segments_vault_key_idx IS
    'What a data key has sealed, in the order in which vault_rekey() walks it; covers audit_segments_vault_key_fkey.';

-- The leaves, 30 rows of the trail each, four of them a page. Never moved out of line: a part of a page is read and
-- rewritten. Partitions, and an index of their own, are made by audit_seal(), and dropped with the trail's months.
CREATE TABLE IF NOT EXISTS auth_store.audit_leaves (
    month   timestamptz NOT NULL,
    segment bigint      NOT NULL,
    last_id uuid        NOT NULL,
    leaves  bytea       NOT NULL,
    erased  bytea
) PARTITION BY RANGE (month);
ALTER TABLE auth_store.audit_leaves ALTER COLUMN leaves SET STORAGE PLAIN, ALTER COLUMN erased SET STORAGE PLAIN;
ALTER TABLE auth_store.audit_leaves REPLICA IDENTITY FULL;
COMMENT ON TABLE auth_store.audit_leaves IS
    'Which rows of the audit trail are in which segment, and a hash of each; monthly partitions as the trail''s.';
COMMENT ON COLUMN auth_store.audit_leaves.month IS 'When the month of the rows begins, in UTC.';
COMMENT ON COLUMN auth_store.audit_leaves.segment IS 'The number of the segment.';
COMMENT ON COLUMN auth_store.audit_leaves.last_id IS
    'The id of the last row of this chunk: a segment''s rows are in the order of their ids.';
COMMENT ON COLUMN auth_store.audit_leaves.leaves IS
    'For each row 65 bytes: state(1) ‖ id(16) ‖ mark(16) ‖ hash(32). State 0: the mark is the salt of the personal '
    'columns. 1: the row was erased, and the mark is the pseudonym. 2: it was deleted with its tenant, of whose id '
    'the mark is the beginning of the SHA-256.';
COMMENT ON COLUMN auth_store.audit_leaves.erased IS
    'For each erased row 33 bytes: its place in the chunk(1) ‖ the salted hash of what was erased(32). NULL: none.';
