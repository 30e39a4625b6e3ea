-- Redirect URIs that are registered stay so.
ALTER TABLE auth_store.tenants DROP COLUMN redirect_uri_schemes;

-- A token that is bound to another key than its grant would be taken to be bound to the grant's.
UPDATE auth_store.access_tokens SET revoked_at = pg_catalog.clock_timestamp()
 WHERE cnf IS NOT NULL AND revoked_at IS NULL;
ALTER TABLE auth_store.access_tokens DROP COLUMN cnf;
