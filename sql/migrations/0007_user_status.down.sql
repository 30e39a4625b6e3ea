ALTER TABLE auth_store.users DROP COLUMN status_changed_at;
