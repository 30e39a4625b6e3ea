-- Where each cleanup task goes on: it walks its table in id order, a bounded number of rows at a time. A task's row
-- is added by its first run.
CREATE TABLE IF NOT EXISTS auth_store.cleanup_cursors (
    task       text COLLATE "C" NOT NULL,
    position   uuid,
    updated_at timestamptz NOT NULL,
    retention_seconds bigint,
    CONSTRAINT cleanup_cursors_pkey PRIMARY KEY (task)
);
COMMENT ON TABLE auth_store.cleanup_cursors IS
    'How far each task of cleanup_expired_data() has walked its table, and how long the audit trail is kept.';
COMMENT ON COLUMN auth_store.cleanup_cursors.task IS 'The table that it cleans up.';
COMMENT ON COLUMN auth_store.cleanup_cursors.position IS
    'The id up to which the present pass has come; NULL: it begins again at the oldest row.';
COMMENT ON COLUMN auth_store.cleanup_cursors.updated_at IS 'When the task last came to that position.';
COMMENT ON COLUMN auth_store.cleanup_cursors.retention_seconds IS
    'Of the task audit_log: how long the trail is kept, as auth_store.audit_retention was last in force. '
    'A dump carries it, the setting not always.';
COMMENT ON CONSTRAINT cleanup_cursors_pkey ON auth_store.cleanup_cursors IS 'A task has one place at which it goes on.';
