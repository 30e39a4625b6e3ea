-- A restore forgets what ALTER DATABASE has set: how long the trail is kept is remembered in a row that dumps carry.
ALTER TABLE auth_store.cleanup_cursors ADD COLUMN retention_seconds bigint;
