DROP TABLE auth_store.tenant_policies;
-- Who had which role is lost.
DELETE FROM auth_store.cleanup_cursors WHERE task = 'user_roles';
DROP TABLE auth_store.user_roles;
DROP TABLE auth_store.roles;
