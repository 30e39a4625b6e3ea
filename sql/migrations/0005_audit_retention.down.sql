DELETE FROM auth_store.cleanup_cursors WHERE task = 'audit_log';
ALTER TABLE auth_store.cleanup_cursors DROP COLUMN retention_seconds;
COMMENT ON TABLE auth_store.cleanup_cursors IS
    'How far each task of cleanup_expired_data() has walked its table; NULL: it begins again at the oldest row.';
