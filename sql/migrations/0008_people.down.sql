-- Who had which passkey is lost.
DELETE FROM auth_store.cleanup_cursors WHERE pg_catalog.split_part(task, '@', 1) = 'passkey_challenges';
DROP TABLE auth_store.passkey_challenges;
DROP TABLE auth_store.passkeys;
-- One-time tokens, and when addresses were proved, are lost.
DELETE FROM auth_store.cleanup_cursors WHERE pg_catalog.split_part(task, '@', 1) = 'one_time_tokens';
DROP TABLE auth_store.one_time_tokens;
ALTER TABLE auth_store.user_names DROP COLUMN verified_at;
-- Locks and known devices are lost.
DELETE FROM auth_store.cleanup_cursors WHERE pg_catalog.split_part(task, '@', 1) IN ('devices', 'login_failures');
DROP TABLE auth_store.devices;
DROP TABLE auth_store.login_failures;
ALTER TABLE auth_store.users DROP COLUMN lock_reason;
ALTER TABLE auth_store.users DROP COLUMN locked_until;
-- Passwords are lost.
DROP TABLE auth_store.former_passwords;
DROP TABLE auth_store.passwords;
DROP TABLE auth_store.breached_passwords;
DROP TABLE auth_store.common_passwords;
DROP TABLE auth_store.tenant_policies;
-- Who had which role is lost.
DELETE FROM auth_store.cleanup_cursors WHERE task = 'user_roles';
DROP TABLE auth_store.user_roles;
DROP TABLE auth_store.roles;
