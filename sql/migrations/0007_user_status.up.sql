-- Since when a user has the status.
ALTER TABLE auth_store.users ADD COLUMN status_changed_at timestamptz;
